"""When instances are looked at, and what is discarded."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from provisioning.health.lateness import Lateness
from provisioning.health.looks import Look, Target
from provisioning.health.outside import Outside
from provisioning.health.watches import Watches
from tests.provisioning.health.gateway import SILENT


def target(slug: str = "acme", **columns: bool) -> Target:
    return Target(f"src-{slug}", f"{slug}.sourcegraph.localhost", **columns)


@pytest.fixture
def watched(outside_world):
    """What is seen of these within so many seconds, while `meanwhile` is done."""

    def watched(targets: list[Target], seconds: float, meanwhile=lambda watches: None) -> tuple[list[Look], list[str]]:
        async def watch() -> tuple[list[Look], list[str]]:
            outside, lateness = Outside(), Lateness()
            watches = Watches(outside, lateness)
            measuring = asyncio.create_task(lateness.measure())
            watches.watch(targets)
            await asyncio.sleep(seconds)
            if work := meanwhile(watches):
                await work
            await watches.stop()
            measuring.cancel()
            await outside.close()
            seen = watches.collect()
            return seen.looks, seen.discarded

        return asyncio.run(watch())

    return watched


def test_looks_are_spread_over_the_interval(watched, settings):
    settings.PROBE_SECONDS = 1.0
    looks, _ = watched([target(f"fleet-{number}") for number in range(40)], 1.1)
    assert {look.instance_id for look in looks} == {f"src-fleet-{number}" for number in range(40)}
    slots = [int(look.began_at.timestamp() * 5) for look in looks]
    assert max(slots.count(slot) for slot in slots) < 20


def test_what_changes_is_looked_at_oftener(watched):
    looks, _ = watched([target("calm"), target("changing", is_under_change=True)], 0.65)
    counts = [sum(look.instance_id == f"src-{slug}" for look in looks) for slug in ("calm", "changing")]
    assert counts[0] in {3, 4}
    assert counts[1] >= 8


def test_when_much_changes_at_once_each_is_looked_at_less_often(watched, settings):
    settings.PROBE_SECONDS, settings.PROBE_MOST_A_SECOND = 3_600, 40
    looks, _ = watched([target(f"fleet-{number}", is_under_change=True) for number in range(40)], 1.5)
    assert {look.instance_id for look in looks} == {f"src-fleet-{number}" for number in range(40)}
    assert len(looks) <= 80  # twice each


def test_what_is_down_is_looked_at_oftener(watched, outside_world):
    outside_world.ways["down.sourcegraph.localhost"] = 503
    looks, _ = watched([target("down")], 0.65)
    assert len(looks) >= 6
    assert all(look.failure == "It answers 503 Service Unavailable." for look in looks)


def test_a_change_of_pace_is_taken_up_at_once(watched, settings):
    settings.PROBE_SECONDS = 3_600

    async def change(watches: Watches) -> None:
        watches.watch([target(is_under_change=True)])
        await asyncio.sleep(0.3)

    looks, _ = watched([target()], 0.01, change)
    assert len(looks) >= 3


def test_who_is_not_watched_any_more_is_not_looked_at(watched, outside_world):
    async def let_go(watches: Watches) -> None:
        watches.watch([target("globex")])
        outside_world.asked.clear()
        await asyncio.sleep(0.4)

    watched([target("acme"), target("globex")], 0.01, let_go)
    assert set(outside_world.asked) == {"globex.sourcegraph.localhost/healthz"}


def test_a_silent_one_holds_nobody_up(watched, outside_world, settings):
    outside_world.ways["silent.sourcegraph.localhost"], settings.PROBE_TIMEOUT_SECONDS = SILENT, 2
    looks, _ = watched([target("silent"), target("acme")], 2.5)
    assert {(look.instance_id, look.failure) for look in looks} == {
        ("src-silent", "No answer within 2 s."),
        ("src-acme", ""),
    }


def test_a_failure_of_a_starved_prober_counts_for_nothing(watched, outside_world, settings):
    outside_world.ways["acme.sourcegraph.localhost"], settings.PROBE_TIMEOUT_SECONDS = SILENT, 0.5

    async def starve(watches: Watches) -> None:
        outside_world.asked.clear()
        while not outside_world.asked:  # noqa: ASYNC110 - another thread counts them
            await asyncio.sleep(0.01)
        watches.collect()
        time.sleep(0.7)  # noqa: ASYNC251 - this is what starves it
        await asyncio.sleep(0.1)

    looks, discarded = watched([target()], 0.01, starve)
    assert looks == []
    assert len(discarded) == 1
    assert discarded[0].startswith("This process was late by 0.")


def test_lateness_is_measured_where_it_was():
    async def measure() -> tuple[float, float, float]:
        lateness, loop = Lateness(), asyncio.get_running_loop()
        measuring = asyncio.create_task(lateness.measure())
        await asyncio.sleep(0.05)
        began = loop.time()
        time.sleep(0.4)  # noqa: ASYNC251 - this makes it late
        before_it_is_noted = lateness.between(began, loop.time())
        await asyncio.sleep(0.05)
        ended = loop.time()
        await asyncio.sleep(0.15)
        measuring.cancel()
        return before_it_is_noted, lateness.between(began, ended), lateness.between(ended, loop.time())

    before_it_is_noted, noted, after = asyncio.run(measure())
    assert before_it_is_noted == pytest.approx(0.35, abs=0.1)
    assert noted == pytest.approx(0.35, abs=0.1)
    assert after < 0.1


def test_times_are_in_utc(watched):
    looks, _ = watched([target()], 0.25)
    assert abs((looks[-1].ended_at - datetime.now(UTC)).total_seconds()) < 5
    assert all(look.began_at <= look.ended_at for look in looks)
