import pytest
import time_machine

from portal.core.audit import Actor
from provisioning.engine.graph import OnFailure
from provisioning.models import Instance, Kind, Operation, Size
from provisioning.services import operation_request
from tests.conftest import release
from tests.provisioning.engine.world import World, diamond, registered


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def keeping(world):
    """`provision` is the diamond, and keeps what it has when it fails."""
    with registered(diamond(world, OnFailure.KEEP), diamond(world, OnFailure.KEEP, kind="teardown")):
        yield


@pytest.fixture
def undoing(world):
    """`provision` is the diamond, and undoes itself when it fails."""
    with registered(diamond(world, OnFailure.UNDO), diamond(world, OnFailure.KEEP, kind="teardown")):
        yield


@pytest.fixture
def instance(clock, acme, alice) -> Instance:
    size = Size.objects.create(
        name="toy", users=1, position=1, machine_type="m", node_count=1, sql_tier="t", sql_disk_gb=1,
        gitserver_disk_gb=1, search_disk_gb=1, infrastructure_cents=1,
    )  # fmt: skip
    first = release("1.0.0", "major")
    return Instance.objects.create(
        organization=acme, slug="toy", domain="toy.example", kind=Kind.INTERNAL, size=size, release=first,
        admin_email=alice.email, created_by=alice,
    )  # fmt: skip


@pytest.fixture
def begin(instance, by_alice):
    """Starts an operation on the toy instance."""

    def begin(kind: str = "provision") -> Operation:
        return operation_request(instance=instance, kind=kind, actor=by_alice)

    return begin


@pytest.fixture
def actor(by_ada: Actor) -> Actor:
    return by_ada
