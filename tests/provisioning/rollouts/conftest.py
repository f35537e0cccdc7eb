from collections.abc import Callable

import pytest
import time_machine

from portal.core.audit import Actor
from provisioning.models import Instance, Release, Rollout, RolloutPolicy
from provisioning.services.rollouts import rollout_create, rollout_start
from tests.provisioning.rollouts import toy_fleet


@pytest.fixture
def clock():
    with time_machine.travel(toy_fleet.NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _toys(db, clock, settings):
    settings.ENGINE_MOST_AT_ONCE = {"": 2_000}
    settings.ENGINE_MOST_PER_FOLDER = 2_000
    with toy_fleet.toy_workflows():
        yield


@pytest.fixture
def old(db) -> Release:
    return toy_fleet.published("5.11.0")


@pytest.fixture
def new(old) -> Release:
    return toy_fleet.published("5.12.0")


@pytest.fixture
def newer(new) -> Release:
    return toy_fleet.published("5.12.1", kind="patch")


@pytest.fixture
def populate(acme, alice, old) -> Callable[..., list[Instance]]:
    """So many instances of acme's stand on the old release."""

    def populate(count: int, **columns) -> list[Instance]:
        release = columns.pop("release", old)
        return toy_fleet.populate(acme, alice, release, count, **columns)

    return populate


@pytest.fixture
def begun(by_ada: Actor) -> Callable[..., Rollout]:
    """A rollout of the release runs by the policy; by default all of it in one stage."""

    def begun(release: Release, policy: RolloutPolicy | None = None, **terms) -> Rollout:
        policy = policy or toy_fleet.policy(100)
        draft = rollout_create(release=release, policy=policy, actor=by_ada, **terms)
        return rollout_start(rollout=draft, actor=by_ada)

    return begun
