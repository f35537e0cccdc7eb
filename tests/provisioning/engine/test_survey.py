"""A round of looks: each node once, whatever is wrong with the others."""

from datetime import timedelta

import pytest

from provisioning.engine.action import AsWanted, Change, Differs, Missing, NotYet, Refused, UnderWay, seconds
from provisioning.engine.graph import Goal
from provisioning.engine.survey import LOOKS, Finding, Round, Verdict
from provisioning.turns import NotItsTurn
from tests.provisioning.sights import Sights, house
from tests.provisioning.steps.world import spec_for_tests

SPEC = spec_for_tests()


@pytest.fixture
def sights() -> Sights:
    return Sights()


def round_of(sights: Sights, goal: Goal = Goal.PRESENT) -> Round:
    return Round("srv-1", house(sights, goal), wanted=SPEC, previous=SPEC)


def look_through(looks: Round) -> dict[str, Finding]:
    for _ in range(50):
        if looks.go_on(for_seconds=60) is None:
            return looks.findings
    raise AssertionError(f"no end: {looks.findings}")


def verdicts(looks: Round) -> dict[str, str]:
    return {name: finding.verdict.value for name, finding in look_through(looks).items()}


def test_every_node_is_looked_at_once_after_what_it_needs(sights):
    assert set(verdicts(round_of(sights)).values()) == {"stands"}
    assert sorted(sights.looked_at) == ["ground", "left", "right", "roof", "smoke"]
    assert sights.looked_at.index("roof") > max(sights.looked_at.index(side) for side in ("left", "right"))


def test_a_look_knows_the_outputs_of_those_before_it_and_the_spec_as_it_is(sights):
    look_through(round_of(sights))
    roof = next(context for context in sights.looks if context.step == "roof")
    assert roof.outputs["left"] == {"of": "left"}
    assert (roof.previous, roof.is_going_back) == (SPEC, False)


def test_it_tells_what_is_missing_and_the_exact_settings_that_differ(sights):
    change = Change("settings.tier", "db-custom-2-7680", "db-custom-1-4096")
    sights.says |= {"left": Missing("the service answered 404"), "right": Differs.in_settings([change])}
    looks = round_of(sights)
    assert verdicts(looks) == {
        "ground": "stands", "left": "missing", "right": "differs", "roof": "stands", "smoke": "stands",
    }  # fmt: skip
    assert looks.findings["left"].sentence == "the service answered 404."
    assert looks.findings["right"].changes == (change,)
    assert looks.findings["right"].resource == f"toy/{SPEC.id}/right"


def test_what_cannot_be_told_before_something_it_needs_stands_follows(sights):
    sights.says |= {"ground": Missing(), "roof": Refused("No ground is known.", "Retry."), "smoke": UnderWay("smoke")}
    looks = round_of(sights)
    assert verdicts(looks)["roof"] == "follows"
    assert verdicts(looks)["smoke"] == "follows"
    assert "No ground is known." in looks.findings["roof"].sentence


def test_one_broken_node_is_unclear_and_ends_nothing(sights):
    sights.says |= {"left": ZeroDivisionError("division by zero")}
    looks = round_of(sights)
    assert verdicts(looks) == {
        "ground": "stands", "left": "unclear", "right": "stands", "roof": "stands", "smoke": "stands",
    }  # fmt: skip
    assert looks.findings["left"].sentence == "division by zero."


def test_a_refusal_is_unclear_at_once(sights):
    sights.says |= {"ground": Refused("It is not ours.", "Find out whose it is.")}
    assert verdicts(round_of(sights))["ground"] == "unclear"
    assert sights.looked_at.count("ground") == 1


def test_a_look_that_must_wait_is_taken_again_and_the_others_meanwhile(sights):
    sights.once["left"] = [NotYet("the quota", seconds(7)), NotYet("the quota", seconds(7))]
    looks = round_of(sights)
    assert looks.go_on(for_seconds=60) == timedelta(seconds=7)
    assert set(looks.findings) == {"ground", "left", "right"}, "what needs it waits for it"
    assert set(verdicts(looks).values()) == {"stands"}
    assert looks.findings["left"].is_final


def test_a_look_that_never_comes_is_unclear_after_a_few_tries(sights):
    sights.says |= {"left": NotYet("the quota", seconds(7)), "roof": TimeoutError("timed out")}
    looks = round_of(sights)
    assert verdicts(looks)["left"] == "unclear"
    assert looks.findings["left"].sentence == "Waiting for the quota."
    assert verdicts(looks)["roof"] == "follows", "it needs what is not known to stand"
    assert sights.looked_at.count("left") == sights.looked_at.count("roof") == LOOKS


def test_it_stops_when_its_time_is_over_and_goes_on_where_it_was(sights):
    looks = round_of(sights)
    assert looks.go_on(for_seconds=0) == timedelta(0)
    assert len(looks.findings) == 1
    again = Round("srv-1", house(sights), SPEC, SPEC, findings=dict(looks.findings), outputs=dict(looks.outputs))
    look_through(again)
    assert sights.looked_at.count("ground") == 1


def test_for_a_teardown_missing_is_gone_and_errors_are_unclear(sights):
    sights.says |= {"left": Missing(), "right": ConnectionResetError("reset"), "roof": AsWanted()}
    found = verdicts(round_of(sights, Goal.ABSENT))
    assert found == {"ground": "stands", "left": "missing", "right": "unclear", "roof": "stands", "smoke": "stands"}


def test_a_finding_survives_being_written_down():
    change = Change("nodes[main].count", 2, None)
    finding = Finding("left", "A thing", "toy/left", Verdict.DIFFERS, "It differs.", (change,), looks=2)
    assert Finding.from_json(finding.as_json()) == finding


def test_what_waits_for_its_turn_is_not_looked_at_and_comes_when_told(sights):
    sights.says["left"] = NotItsTurn("its turn: the quota of an API", seconds(40))
    looks = round_of(sights)
    pauses = [looks.go_on(for_seconds=60) for _ in range(2 * LOOKS)]
    assert pauses[-1] == seconds(40)
    assert (looks.findings["left"].looks, looks.findings["left"].is_final) == (0, False)
    sights.says.clear()
    assert set(verdicts(looks).values()) == {"stands"}
