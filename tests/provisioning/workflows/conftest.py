"""Workflows against devcloud: real PostgreSQL, real helm, the real clients; only the far side is stood in for."""

from pathlib import Path

import pytest

from portal.core.audit import Actor
from provisioning.fleet.architectures import NEWEST
from provisioning.models import Instance, Kind, OperationKind, Release
from provisioning.services import instance_create
from provisioning.services.instances import Wish
from tests.provisioning.bringing import bring
from tests.provisioning.workflows.harness import assert_succeeded, run
from tests.provisioning.workflows.standing import Standing
from tests.stack.devcloud import RunningDevcloud, start_devcloud
from tests.stack.tools import helm_path
from tools.ports import HOST, any_free

# Waits are sized for the real cloud; devcloud's fast profile answers within a third of a second.
FASTER_THAN_LIFE = 0.004


@pytest.fixture(scope="session")
def devcloud_server(tmp_path_factory):
    server = start_devcloud(tmp_path_factory.mktemp("workflows"), elsewhere_port=any_free())
    yield server
    server.stop()


@pytest.fixture
def devcloud(devcloud_server: RunningDevcloud, settings) -> RunningDevcloud:
    """An empty devcloud that the clients are pointed at."""
    devcloud_server.reset()
    settings.ENGINE_PACE = FASTER_THAN_LIFE
    settings.GOOGLE_API_ENDPOINT = devcloud_server.google_endpoint
    settings.GOOGLE_CREDENTIALS = "anonymous"
    settings.GOOGLE_PARENT = "folders/100000000001"
    settings.GOOGLE_BILLING_ACCOUNT = "billingAccounts/000000-DEVCLD-000000"
    settings.GOOGLE_DNS_PROJECT, settings.GOOGLE_DNS_ZONE = "portal-host", "instances"
    settings.GOOGLE_BACKUP_BUCKET = "portal-backups"
    settings.SUSPENDED_PAGE_ADDRESS = HOST  # where nobody is
    settings.INSTANCE_GATEWAY = devcloud_server.http_url
    settings.INSTANCE_URL_FORMAT = "http://{domain}:" + devcloud_server.http_url.rsplit(":", 1)[1]
    settings.HELM_BINARY = str(helm_path())
    settings.CHART = str(Path(settings.BASE_DIR) / "charts" / "sourcegraph")
    return devcloud_server


@pytest.fixture(autouse=True)
def somebody_to_ask(settings) -> None:
    """The AI assistant is sold here."""
    settings.ASSISTANT_PROVIDER, settings.ASSISTANT_ACCESS_TOKEN = "openai", "sk-of-a-test"


@pytest.fixture
def tenancy(request) -> str:
    return str(request.param)


@pytest.fixture
def instance(devcloud, tenancy, acme, catalogue, by_alice) -> Instance:
    """A new instance; its provisioning is due."""
    cluster = bring(devcloud, acme, by_alice.user) if tenancy == "byok" else None
    return instance_create(organization=acme, wish=Wish("acme", Kind.INTERNAL, cluster=cluster), actor=by_alice)


@pytest.fixture
def provision(instance):
    return instance.operations.get(kind=OperationKind.PROVISION)


@pytest.fixture
def architecture(request) -> str:
    """What an instance is built by: the newest, but where it is to be moved to another."""
    kind = request.node.callspec.params.get("kind") if hasattr(request.node, "callspec") else ""
    return "1.0" if kind == OperationKind.MIGRATE_ARCHITECTURE else NEWEST


@pytest.fixture(scope="session")
def provisioned() -> dict[tuple[str, str], Standing]:
    """By tenancy and architecture; filled by the first test that needs one."""
    return {}


@pytest.fixture
def running(devcloud, tenancy, architecture, provisioned, request) -> Instance:
    """A running instance, one release behind the newest."""
    if known := provisioned.get((tenancy, architecture)):
        known.put_back(devcloud)
        return Instance.objects.get(pk=known.instance_id)
    instance: Instance = request.getfixturevalue("instance")
    one_behind = Release.objects.order_by("-released_at")[1]
    operation = instance.operations.get()
    operation.wanted |= {"app_version": one_behind.app_version, "chart_version": one_behind.chart_version}
    operation.wanted |= {"architecture": architecture}
    operation.save()
    Instance.objects.update(release=one_behind, architecture=architecture)
    assert_succeeded(run(operation))
    provisioned[tenancy, architecture] = Standing.of(instance, devcloud)
    instance.refresh_from_db()
    return instance


@pytest.fixture
def by_owner(running) -> Actor:
    return Actor(running.created_by, running.admin_email)
