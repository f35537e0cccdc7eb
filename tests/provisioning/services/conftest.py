import pytest
import time_machine

from provisioning.models import Size
from tests.conftest import release
from tests.provisioning.toys import toy_world

__all__ = ["toy_world"]
pytestmark = pytest.mark.usefixtures("toy_world")


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def offered(db, toy_world) -> None:
    """One size and one release are on offer, and the workflows are toys."""
    Size.objects.create(
        name="xs", users=50, position=1, machine_type="m", node_count=1, sql_tier="t", sql_disk_gb=1,
        gitserver_disk_gb=1, search_disk_gb=1, infrastructure_cents=31_300,
    )  # fmt: skip
    release("5.11.0")


@pytest.fixture
def trial_of_acme(acme, by_alice):
    """Acme's trial, its provisioning running."""
    from provisioning.services import trial_start

    return trial_start(organization=acme, slug="acme", region="us-central1", actor=by_alice)
