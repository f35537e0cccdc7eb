"""A program takes an instance's data with it."""

import pytest

from portal.core.models import AuditEvent, Scope
from provisioning.models import Instance, OperationKind
from provisioning.services.exports import instance_export
from tests.portal.api.calling import problem
from tests.portal.api.test_schema import check, served
from tests.provisioning.services.test_exports import made, running

__all__ = ["running"]
PATH = "/instances/{instance_id}/exports"


@pytest.fixture
def kept(running: Instance, by_alice) -> str:
    """The key of an export."""
    return str(made(instance_export(instance=running, actor=by_alice)).pk)


def path(instance: Instance) -> str:
    return PATH.format(instance_id=instance.pk)


def test_it_is_asked_for_once(acmes, running):
    first = acmes.post(path(running), key="tonight")
    check(served(), first, "post", PATH)
    assert (first.status_code, first.json()["kind"]) == (202, "export")
    assert acmes.post(path(running), key="tonight").json() == first.json()
    assert problem(acmes.post(path(running)))["code"] == "conflict"
    assert running.operations.filter(kind=OperationKind.EXPORT).count() == 1


def test_what_is_kept_is_listed_with_its_files(acmes, running, kept):
    response = acmes.get(path(running))
    check(served(), response, "get", PATH)
    body = response.json()
    assert "the next can be had 6 hours later" in body["refusal"]
    (export,) = body["results"]
    assert (export["id"], export["bytes"]) == (kept, 4711)
    assert [file["database"] for file in export["files"]] == ["pgsql"]
    assert export["files"][0]["url"].endswith(f"{path(running)}/{kept}/files/pgsql")


def test_a_file_that_is_not_kept_is_not_found(acmes, running, kept):
    assert problem(acmes.get(f"{path(running)}/{kept}/files/other"))["code"] == "not_found"
    assert not AuditEvent.objects.filter(action="instance.export-fetched").exists()


def test_it_is_nobody_elses(globexs, running, kept):
    for response in (
        globexs.get(path(running)),
        globexs.post(path(running)),
        globexs.get(f"{path(running)}/{kept}/files/pgsql"),
    ):
        assert problem(response)["code"] == "not_found"


def test_reading_the_data_needs_more_than_reading_about_it(token_of, alice, acme, running, kept):
    reader = token_of(alice, acme, [Scope.INSTANCES_READ])
    assert reader.get(path(running)).status_code == 200
    assert reader.get(f"{path(running)}/{kept}/files/pgsql").status_code == 403
    assert reader.post(path(running)).status_code == 403
