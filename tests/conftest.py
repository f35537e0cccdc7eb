"""The cast: alice owns acme, bob is her colleague, charlie is of globex and sees nothing, sam sells, ada is admin."""

import functools
import os
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as configured
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import override_settings

from portal.core.audit import Actor
from portal.core.models import Membership, Organization, Role, User
from provisioning.fleet.charts import Archive, fetch, pin
from provisioning.models import Instance, Kind, Release, Size

# The columns of an instance that is suspended.
SUSPENDED = {"status": "suspended", "suspended_at": "2026-11-20T12:00:00Z", "suspended_because": "trial-ended"}
PASSWORD = "correct horse battery"


@functools.cache
def hashed_password() -> str:
    """Hashed once: it is slow on purpose."""
    return make_password(PASSWORD)


def person(email: str, **fields) -> User:
    user = User.objects.create(email=email, password=hashed_password(), **fields)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


def member(organization: Organization, email: str, role: Role, name: str) -> User:
    user = person(email, name=name)
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


@pytest.fixture
def acme(db) -> Organization:
    return Organization.objects.create(name="Acme", slug="acme", email_domain="acme.example")


@pytest.fixture
def globex(db) -> Organization:
    return Organization.objects.create(name="Globex", slug="globex", email_domain="globex.example")


@pytest.fixture
def alice(acme) -> User:
    return member(acme, "alice@acme.example", Role.OWNER, "Alice Archer")


@pytest.fixture
def bob(acme) -> User:
    return member(acme, "bob@acme.example", Role.MEMBER, "Bob Baker")


@pytest.fixture
def charlie(globex) -> User:
    return member(globex, "charlie@globex.example", Role.OWNER, "Charlie Carter")


@pytest.fixture
def sam(db) -> User:
    return person("sam@portal.example", name="Sam Sales", is_sales=True)


@pytest.fixture
def ada(db) -> User:
    return person("ada@portal.example", name="Ada Admin", is_staff=True, is_superuser=True)


@pytest.fixture
def by_alice(alice) -> Actor:
    return Actor(alice, alice.email, "127.0.0.1")


@pytest.fixture
def by_sam(sam) -> Actor:
    return Actor(sam, sam.email)


@pytest.fixture
def by_ada(ada) -> Actor:
    return Actor(ada, ada.email, "127.0.0.1")


@functools.cache
def chart_of_ours() -> Archive:
    """Packed once."""
    return fetch(str(Path(__file__).parents[1] / "charts" / "sourcegraph"))


def release(version: str, kind: str = "minor", **fields) -> Release:
    """The release of that version, published with the project's chart unless it is there already."""
    archive = chart_of_ours()
    usual = {"chart_version": archive.version, "kind": kind, "status": "published"}
    if known := Release.objects.filter(app_version=version).first():
        return known
    return Release.objects.create(app_version=version, **{"chart": pin(archive), **usual, **fields})


@pytest.fixture
def database_url(db) -> str:
    """Of the database of this test, for processes beside it; they see what is committed."""
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"


@pytest.fixture
def catalogue(db) -> None:
    """What can be had: every size and release that the portal ships with."""
    from provisioning.fleet.catalogue import load_catalogue

    load_catalogue()


@pytest.fixture
def on_offer(catalogue) -> None:
    """Everything is for sale, also what there is no step for yet."""
    from billing.models import Feature, Status

    Feature.objects.update(status=Status.OFFERED)


@pytest.fixture
def trial(acme, alice, catalogue) -> Instance:
    """A pending trial of acme's, with no operation yet."""
    return Instance.objects.create(
        organization=acme,
        slug="acme",
        domain="acme.sourcegraph.localhost",
        kind=Kind.TRIAL,
        size=Size.objects.get(pk="xs"),
        release=Release.objects.latest("released_at"),
        admin_email=alice.email,
        trial_ends_at="2027-01-01T00:00:00Z",
        created_by=alice,
    )


@pytest.fixture(autouse=True)
def _static_files_uncollected(settings):
    """Pages name static files without a manifest: a test run collects none."""
    settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(scope="session", autouse=True)
def _a_cache_of_its_own(worker_id):
    """Test processes side by side do not count into each other's rate limits.

    Set once for all tests of a process: each setting of it opens connections that nobody closes.
    """
    database = int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 0
    location = configured.REDIS_URL.rsplit("/", 1)[0] + f"/{database}"
    with override_settings(CACHES={"default": {**configured.CACHES["default"], "LOCATION": location}}):
        yield
