"""A life is a row of stretches without a gap, from when an instance was ready until it was deleted."""

from itertools import pairwise

from hypothesis import given

from billing.costs.history import Life, State, stretches
from tests.billing.costs.lives import ALL, change, day, life, lives


def told(*args, **fields):
    """Since when, which size, suspended or not."""
    return [(each.since, each.state.size.name, each.state.is_suspended) for each in stretches(life(*args, **fields))]


@given(lives)
def test_stretches_follow_one_another_without_a_gap(one):
    found = stretches(one)
    assert all(before.until == after.since for before, after in pairwise(found))
    assert all(each.until is None or each.since < each.until for each in found)
    if found:
        assert found[0].since == one.ready_at
        assert found[-1].until == one.deleted_at


def test_without_operations_the_row_tells():
    assert told("m", "11-03") == [(day("11-03"), "m", False)]
    assert told(suspended_at=day("11-10")) == [(day("11-01"), "s", False), (day("11-10"), "s", True)]


def test_operations_tell_what_came_when():
    changes = (change("11-01"), change("11-10", "m"), change("11-15", "m", is_suspended=True), change("11-20", "m"))
    assert told("m", changes=changes) == [
        (day("11-01"), "s", False), (day("11-10"), "m", False), (day("11-15"), "m", True), (day("11-20"), "m", False),
    ]  # fmt: skip


def test_what_was_done_in_building_it_counts_from_when_it_was_ready():
    assert told("s", "11-05", changes=(change("11-04"),)) == [(day("11-05"), "s", False)]


def test_the_row_knows_of_a_suspension_before_its_operation_has_ended():
    assert told(changes=(change("11-01"),), suspended_at=day("11-10"))[-1] == (day("11-10"), "s", True)


def test_what_was_never_ready_has_no_stretch():
    assert stretches(Life(ALL["s"], ready_at=None)) == ()


def test_a_deleted_instance_ends_when_its_row_says_so():
    found = stretches(
        life(deleted_at=day("11-20", 1), changes=(change("11-01"), change("11-20", "xl"), change("11-21")))
    )
    assert (found[-1].until, found[-1].state) == (day("11-20", 1), State(ALL["xl"]))
