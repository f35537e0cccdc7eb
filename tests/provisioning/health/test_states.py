"""How an instance is, in every combination of what is known of it; the database's filter says the same."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from provisioning.health.states import Known, State, state_of
from provisioning.models import Health, Instance, Outage, ProbeMinute
from provisioning.selectors.health import degraded_count, health_of, in_state
from tests.conftest import SUSPENDED

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
READY = NOW - timedelta(days=9)
MINUTES = {"fresh": NOW - timedelta(minutes=2), "stale": NOW - timedelta(minutes=5), "never": None}
CHECKS = {"fresh": NOW - timedelta(minutes=44), "stale": NOW - timedelta(minutes=46), "never": None}
SINCE = NOW - timedelta(hours=5)
OUTAGES = {
    "none": (None, None),
    "over": (NOW - timedelta(hours=3), NOW - timedelta(hours=2)),
    "open": (NOW - timedelta(minutes=9), None),
}
COMBINATIONS = list(
    itertools.product(
        ("pending", "running", "suspended", "deleted"),
        OUTAGES,
        MINUTES,
        CHECKS,
        ("healthy", "degraded", "unknown"),
    )
)


def expected(status: str, outage: str, probed: str, checked: str, inside: str) -> str:
    """The table of docs/states.md, line by line."""
    if status == "suspended":
        return "suspended"
    if status != "running":
        return "unknown"
    if outage == "open":
        return "down"
    if "fresh" not in probed or "fresh" not in checked or inside == "unknown":
        return "unknown"
    return inside


def known(status: str, outage: str, probed: str, checked: str, inside: str) -> Known:
    began, ended = OUTAGES[outage]
    return Known(
        status=status,
        begun_at=READY,
        suspended_at=NOW - timedelta(days=1) if status == "suspended" else None,
        suspended_because="its trial has ended",
        outage_began_at=began,
        outage_ended_at=ended,
        outage="It answers 503.",
        probed_at=MINUTES[probed],
        inside=inside,
        inside_since=SINCE,
        inside_reason="gitserver-0 ran out of memory." if inside == "degraded" else "",
        checked_at=CHECKS[checked],
    )


@pytest.mark.parametrize("combination", COMBINATIONS, ids=["-".join(each) for each in COMBINATIONS])
def test_every_combination_has_its_state_a_reason_and_a_since(combination):
    seen = state_of(known(*combination), NOW)
    assert seen.state == expected(*combination)
    assert seen.reason.endswith(".")
    assert seen.since <= NOW


UNANSWERED = "Nobody has looked lately whether it answers."


@pytest.mark.parametrize(
    ("combination", "ago", "reason"),
    [
        ("suspended open never never unknown", timedelta(days=1), "It is switched off: its trial has ended."),
        ("running open fresh fresh degraded", timedelta(minutes=9), "It does not answer. It answers 503."),
        ("running none stale fresh healthy", timedelta(minutes=4), UNANSWERED),
        ("running none never fresh healthy", NOW - READY, UNANSWERED),
        ("running none fresh stale healthy", timedelta(minutes=46), "Nobody has seen all of its inside lately."),
        ("running none fresh never unknown", timedelta(hours=5), "Nobody has looked inside yet."),
        ("running none fresh fresh degraded", timedelta(hours=5), "gitserver-0 ran out of memory."),
        ("running over fresh fresh healthy", timedelta(hours=2), "It answers, and all inside is well."),
        ("pending none never never unknown", NOW - READY, "It is not built yet."),
        ("deleted none never never unknown", NOW - READY, "It is deleted."),
    ],
)
def test_it_says_since_when_and_why(combination, ago, reason):
    seen = state_of(known(*combination.split()), NOW)
    assert (NOW - seen.since, seen.reason) == (ago, reason)


def test_whoever_is_looked_at_seldom_is_waited_for_longer(settings):
    settings.PROBE_SECONDS, settings.HEALTH_SECONDS = 120.0, 1_000.0
    assert state_of(known("running", "none", "stale", "stale", "healthy"), NOW).state == State.HEALTHY


@pytest.mark.django_db
def test_the_database_says_the_same_of_every_combination(trial):
    rows = {combination: stand(trial, number, *combination) for number, combination in enumerate(COMBINATIONS)}
    with time_machine.travel(NOW, tick=False):
        seen = health_of(rows.values())
        assert {each: seen[pk].state for each, pk in rows.items()} == {each: expected(*each) for each in rows}
        for state in State:
            found = set(in_state(Instance.objects.all(), state).values_list("pk", flat=True))
            assert found - {trial.pk} == {pk for each, pk in rows.items() if expected(*each) == state}
        assert degraded_count() == sum(expected(*each) == "degraded" for each in rows)


@pytest.mark.django_db
def test_it_takes_one_query_for_all(trial, django_assert_num_queries):
    ids = [stand(trial, number, *combination) for number, combination in enumerate(COMBINATIONS[:30])]
    with django_assert_num_queries(1):
        health_of(ids)


def stand(trial: Instance, number: int, status: str, outage: str, probed: str, checked: str, inside: str) -> str:
    """An instance of which just that is known."""
    columns = SUSPENDED if status == "suspended" else {"status": status}
    name = {"slug": f"s{number}", "domain": f"s{number}.example", "kind": "internal", "ready_at": READY}
    made = Instance.objects.create(
        organization=trial.organization,
        size=trial.size,
        release=trial.release,
        admin_email=trial.admin_email,
        created_by=trial.created_by,
        **name,
        **columns,
    )
    began, ended = OUTAGES[outage]
    if began:
        Outage.objects.create(instance=made, began_at=began, ended_at=ended, what="It answers 503.")
    if minute := MINUTES[probed]:
        ProbeMinute.objects.create(instance=made, minute=minute, probes=1)
    reason = "It is so." if inside == "degraded" else ""
    Health.objects.create(instance=made, state=inside, reason=reason, since=SINCE, checked_at=CHECKS[checked])
    return str(made.pk)
