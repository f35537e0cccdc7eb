"""The people who ask for trials and decide on them, on a day in November."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from billing.services.upkeep import upkeep_complete, upkeep_go_on
from portal.core import clock
from portal.core.audit import Actor
from provisioning.models import Instance, Size
from tests.billing.mirror import ENDS


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """24 November 2026, 12:00 UTC, until the test says otherwise."""
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def by_charlie(charlie) -> Actor:
    return Actor(charlie, charlie.email, "127.0.0.1")


@pytest.fixture
def day() -> Iterator[time_machine.Traveller]:
    """Twenty days before New Year's Day, on which acme's trial ends, until the test says otherwise."""
    with time_machine.travel(ENDS - timedelta(days=20), tick=False) as traveller:
        yield traveller


@pytest.fixture
def running(day, trial: Instance) -> Instance:
    """Acme's trial runs, and has been looked at. Its infrastructure costs 313 dollars a month."""
    Size.objects.filter(pk="xs").update(infrastructure_cents=31_300)
    Instance.objects.update(status="running", ready_at=clock.now())
    upkeep_complete()
    upkeep_go_on()
    trial.refresh_from_db()
    return trial
