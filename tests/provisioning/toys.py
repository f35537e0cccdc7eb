"""Toy workflows for tests that are about services and pages, not about what the steps do."""

from collections.abc import Iterator

import pytest

from provisioning.engine.graph import Goal, OnFailure
from tests.provisioning.engine.world import World, diamond, registered


@pytest.fixture
def toy_world() -> Iterator[World]:
    """`provision` builds the diamond, `teardown` takes it away."""
    world = World()
    with registered(diamond(world, OnFailure.KEEP), diamond(world, OnFailure.KEEP, Goal.ABSENT, kind="teardown")):
        yield world
