"""What keeps a member from its turn: one sentence, and from when it could begin."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.fleet.obstacles import Cause, Facts, HeldBack, Turn, obstacle
from provisioning.fleet.windows import Window

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
TONIGHT = Window(None, 1, "Europe/Berlin")
OPEN = Window(None, 12, "Europe/Berlin")
FREE = Facts(now=NOW, turn=Turn(2, 4, is_open=True), window=OPEN)
DAY = timedelta(days=1)


def test_nothing_keeps_who_is_free():
    assert obstacle(FREE) is None


@pytest.mark.parametrize(
    ("facts", "cause", "why", "until"),
    [
        (replace(FREE, instance_status="pending"), Cause.NOT_RUNNING, "the instance to run: it is pending", None),
        (
            replace(FREE, instance_status="suspended"),
            Cause.NOT_RUNNING,
            "the instance to run: it is suspended, and catches up once it is resumed",
            None,
        ),
        (
            replace(FREE, channel="stable", is_for_its_channel=False),
            Cause.CHANNEL,
            "another channel: stable does not get it",
            None,
        ),
        (
            replace(FREE, hold=HeldBack("the audit", NOW + 9 * DAY)),
            Cause.HOLD,
            "the end of its hold, planned for 3 December: the audit",
            NOW + 9 * DAY,
        ),
        (
            replace(FREE, hold=HeldBack("the audit", NOW - DAY, "5.11.0")),
            Cause.HOLD,
            "the end of its pin to 5.11.0, planned for 23 November: the audit",
            None,
        ),
        (
            replace(FREE, turn=Turn(3, 4, is_open=False, opens_at=NOW + DAY), window=TONIGHT),
            Cause.STAGE,
            "stage 3 of 4, not before Wednesday 25 November, 13:00 Berlin time",
            datetime(2026, 11, 26, 0, tzinfo=UTC),
        ),
        (
            replace(FREE, turn=Turn(3, 4, is_open=False, opens_at=NOW, wants="our people have approved it")),
            Cause.STAGE,
            "stage 3 of 4, once our people have approved it",
            None,
        ),
        (replace(FREE, is_paused=True), Cause.PAUSED, "the rollout to go on: it is paused", None),
        (
            replace(FREE, not_before=NOW + DAY),
            Cause.POSTPONED,
            "Wednesday 25 November, 13:00 Berlin time: it was put off",
            NOW + DAY,
        ),
        (replace(FREE, operation="resize"), Cause.OPERATION, "the resize of this instance to end", NOW),
        (
            replace(FREE, window=TONIGHT),
            Cause.WINDOW,
            "its maintenance window, Wednesday 25 November, 01:00 Berlin time",
            datetime(2026, 11, 25, 0, tzinfo=UTC),
        ),
    ],
)
def test_each_obstacle_says_what_it_is(facts, cause, why, until):
    found = obstacle(facts)
    assert found is not None
    assert (found.cause, found.why, found.until) == (cause, why, until)


def test_an_emergency_asks_for_no_window():
    assert obstacle(replace(FREE, window=TONIGHT, is_emergency=True)) is None


def test_a_postponement_that_is_over_keeps_nobody():
    assert obstacle(replace(FREE, not_before=NOW - DAY)) is None


facts = st.builds(
    Facts,
    now=st.just(NOW),
    turn=st.builds(
        Turn,
        st.just(2),
        st.just(4),
        is_open=st.booleans(),
        opens_at=st.none() | st.integers(0, 90).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    window=st.builds(Window, st.none() | st.integers(0, 6), st.integers(0, 23), st.just("Asia/Tokyo")),
    is_emergency=st.booleans(),
    is_paused=st.booleans(),
    instance_status=st.sampled_from(["running", "suspended"]),
    is_for_its_channel=st.booleans(),
    hold=st.none() | st.builds(HeldBack, st.just("why"), st.integers(-9, 9).map(lambda days: NOW + days * DAY)),
    not_before=st.none() | st.integers(-9, 9).map(lambda days: NOW + days * DAY),
    operation=st.sampled_from(["", "resize"]),
)


@given(facts)
def test_once_the_time_has_come_only_what_time_does_not_end_is_in_the_way(known):
    found = obstacle(known)
    if found is None or found.until is None:
        return
    assert found.until >= NOW
    later = replace(known, now=found.until, turn=replace(known.turn, is_open=True), hold=None, operation="")
    assert obstacle(later) is None


@given(facts)
def test_the_same_facts_have_the_same_sentence_and_it_is_never_empty(known):
    found = obstacle(known)
    assert found == obstacle(known)
    assert found is None or found.why
