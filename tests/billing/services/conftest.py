"""The people who ask for trials and decide on them, on a day in November."""

from collections.abc import Iterator

import pytest
import time_machine

from portal.core.audit import Actor


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """24 November 2026, 12:00 UTC, until the test says otherwise."""
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def by_charlie(charlie) -> Actor:
    return Actor(charlie, charlie.email, "127.0.0.1")
