"""Addresses that let somebody read one object for some minutes: Google signs them, and takes nothing else."""

import gzip
from datetime import timedelta

import httpx
import pytest
import time_machine

from portal.core import clock
from provisioning.clients.google.signed import signed_download
from provisioning.steps.final_backup import FinalBackup
from tests.provisioning.steps.conftest import world

__all__ = ["world"]
PORTAL = "portal@portal-host.iam.gserviceaccount.com"


@pytest.fixture
def name(world, settings) -> str:
    """An object with a dump in it."""
    settings.GOOGLE_PORTAL_ACCOUNT = PORTAL
    world.inputs = {"final_backup": True}
    world.build("databases")
    world.reach(FinalBackup())
    return f"{world.spec.id}/{world.operation}/pgsql.sql.gz"


def fetched(address: str) -> httpx.Response:
    return httpx.get(address, trust_env=False)


def address_of(name: str) -> str:
    return signed_download("portal-backups", name, file_name="acme.sql.gz", seconds=600)


def test_whoever_has_it_reads_the_object(name):
    answer = fetched(address_of(name))
    assert answer.status_code == 200
    assert b"PostgreSQL database dump" in gzip.decompress(answer.content)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme.sql.gz"'


@pytest.mark.parametrize(
    ("before", "after"),
    [("pgsql.sql", "codeintel.sql"), ("X-Goog-Expires=600", "X-Goog-Expires=601"), ("acme.sql", "b.sql")],
)
def test_for_nothing_else_it_counts(name, before, after):
    answer = fetched(address_of(name).replace(before, after))
    assert (answer.status_code, b"SignatureDoesNotMatch" in answer.content) == (403, True)


def test_it_counts_for_as_long_as_it_says(name):
    with time_machine.travel(clock.now() - timedelta(seconds=602)):
        address = address_of(name)
    answer = fetched(address)
    assert (answer.status_code, b"ExpiredToken" in answer.content) == (400, True)


def test_an_object_that_never_was_is_not_there(name):
    assert fetched(address_of(f"{name}-other")).status_code == 404


def test_without_a_signature_there_is_nothing(name):
    assert fetched(address_of(name).partition("&X-Goog-Signature")[0]).status_code == 404
