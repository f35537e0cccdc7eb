"""Instances that are looked at, and the gateway before them."""

from collections.abc import Callable, Iterator

import pytest

from provisioning.models import Instance, Kind, Operation, Release, Size
from tests.provisioning.health.gateway import Gateway, gateway


@pytest.fixture
def outside_world(settings) -> Iterator[Gateway]:
    """A gateway that instances are reached through; looks come quickly one after the other."""
    with gateway() as known:
        settings.INSTANCE_GATEWAY = known.url
        settings.PROBE_SECONDS = 0.2
        settings.PROBE_SECONDS_UNDER_CHANGE = settings.PROBE_SECONDS_WHILE_DOWN = 0.05
        yield known


@pytest.fixture
def stand(acme, alice, catalogue) -> Callable[..., Instance]:
    """One more running instance."""

    def stand(slug: str = "acme", **columns) -> Instance:
        usual = {"kind": Kind.INTERNAL, "status": "running", "admin_email": alice.email, "created_by": alice}
        return Instance.objects.create(
            organization=acme,
            slug=slug,
            domain=f"{slug}.sourcegraph.localhost",
            size=Size.objects.get(pk="xs"),
            release=Release.objects.latest("released_at"),
            **{**usual, **columns},
        )

    return stand


@pytest.fixture
def operate() -> Callable[..., Operation]:
    """An operation on an instance."""

    def operate(instance: Instance, kind: str = "upgrade", **columns) -> Operation:
        return Operation.objects.create(instance=instance, kind=kind, wanted={}, **{"status": "running", **columns})

    return operate
