"""The prober before an allow list: it finds its pass by itself, and counts nothing meanwhile."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from provisioning.health.outside import NotSent, Outside
from provisioning.health.passes import Passes
from provisioning.steps.reaching import make_probe_pass, probe_pass
from tests.provisioning.steps.conftest import devcloud, devcloud_server, world
from tests.provisioning.steps.world import World
from tests.waiting import eventually

__all__ = ["devcloud", "devcloud_server", "world"]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def guarded(world: World, outside_world) -> World:
    """An instance that answers 403, and a pass in its secret store."""
    world.build("secrets")
    make_probe_pass(world.spec)
    outside_world.ways[world.spec.domain] = 403
    return world


@pytest.fixture
def look(guarded, runner):
    """How it fails to answer, asked with its id."""
    outside = Outside()
    yield lambda: runner.run(outside.failure(guarded.spec.domain, guarded.spec.id))
    runner.run(outside.close())


def test_a_first_403_says_nothing_and_the_next_look_bears_the_pass(guarded, look, outside_world, runner):
    with pytest.raises(NotSent, match="the portal's pass is being read"):
        look()
    outside_world.passes[guarded.spec.domain] = str(probe_pass(guarded.spec))
    assert eventually(lambda: _answers(look, runner))


def _answers(look: Callable[[], str], runner: asyncio.Runner) -> bool:
    runner.run(asyncio.sleep(0.02))
    try:
        return look() == ""
    except NotSent:
        return False


def test_who_refuses_the_pass_too_is_down(guarded, look, runner):
    def failure() -> str:
        runner.run(asyncio.sleep(0.02))
        try:
            return str(look())
        except NotSent:
            return ""

    assert eventually(failure) == "It answers 403 Forbidden."


def test_who_has_no_pass_is_down_and_is_not_read_again_at_once(world, outside_world, runner, devcloud):
    world.build("secrets")
    passes = Passes()

    async def is_open() -> bool:
        return passes.is_open(world.spec.id, "")

    assert runner.run(is_open())
    eventually(lambda: runner.run(asyncio.sleep(0.02)) or not runner.run(is_open()))
    reads = [call for call in devcloud.calls() if call["method"].endswith("versions.access")]
    assert runner.run(is_open()) is False
    assert len([call for call in devcloud.calls() if call["method"].endswith("versions.access")]) == len(reads)
    passes.close()


def test_a_store_that_cannot_be_read_says_nothing_of_the_instance(guarded, look, devcloud, runner):
    devcloud.add_fault("secretmanager.*", "status", status=500)
    for _ in range(5):
        with pytest.raises(NotSent):
            look()
        runner.run(asyncio.sleep(0.05))


def test_who_has_no_project_of_googles_is_down_like_any_other(devcloud, outside_world, runner):
    outside, domain = Outside(), "brought.sourcegraph.localhost"
    outside_world.ways[domain] = 403

    def failure() -> str:
        runner.run(asyncio.sleep(0.02))
        try:
            return str(runner.run(outside.failure(domain, "src-00000000000000000000")))
        except NotSent:
            return ""

    assert eventually(failure) == "It answers 403 Forbidden."
    runner.run(outside.close())


def test_whoever_answers_is_sent_no_pass(world, outside_world, runner):
    outside = Outside()
    assert runner.run(outside.failure(world.spec.domain, world.spec.id)) == ""
    assert outside_world.seen_passes == []
    runner.run(outside.close())
