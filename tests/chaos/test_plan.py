"""The plan of faults is a function of the seed alone, and asks for nothing that an operation may rightly fail of."""

import pytest

from tools.chaos.__main__ import percentile, recovery_seconds
from tools.chaos.plan import Kind, plan


def test_the_same_seed_gives_the_same_plan():
    assert plan(7, 500, 2.0) == plan(7, 500, 2.0)
    assert plan(7, 500, 2.0) != plan(8, 500, 2.0)


def test_every_kind_is_struck_before_any_comes_again():
    kinds = [fault.kind for fault in plan(3, 60, 1.0)]
    assert set(kinds[: len(Kind)]) == set(Kind)


@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_there_are_as_many_faults_as_were_asked_for_in_order(count):
    moments = [fault.at for fault in plan(1, count, 2.0)]
    assert len(moments) == count
    assert moments == sorted(moments)


def test_faults_are_as_far_apart_as_was_asked_for_on_average():
    assert plan(1, 1000, 2.0)[-1].at / 1000 == pytest.approx(2.0, rel=0.1)


def test_no_answer_is_one_that_an_operation_may_rightly_fail_of():
    rules = [fault.rule for fault in plan(1, 3000, 1.0) if fault.kind is Kind.ANSWERS]
    refusals = {(rule["status"], rule["reason"]) for rule in rules if rule["effect"] == "status"}
    assert refusals == {
        (429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (500, "internalError"), (503, "backendError"),
    }  # fmt: skip
    assert not any(rule["service"] == "kubernetes" and rule.get("status") == 403 for rule in rules)
    assert {rule["effect"] for rule in rules} == {"status", "timeout", "reset", "act_then_drop"}


def test_recovery_lasts_from_a_fault_to_the_next_step_that_is_done():
    assert recovery_seconds([10.0, 20.0, 99.0], [9.0, 11.5, 12.0, 20.5]) == [1.5, 0.5]


@pytest.mark.parametrize(
    ("values", "expected"), [([], 0.0), ([3.0], 3.0), ([*range(1, 101)], 95), ([1.0, 2.0, 9.0], 9.0)]
)
def test_the_95th_percentile_is_a_value_that_was_measured(values, expected):
    assert percentile(values, 0.95) == expected
