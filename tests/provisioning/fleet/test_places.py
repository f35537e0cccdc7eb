"""Who is in which stage: always the same, as many as were asked for, and never later when a stage is widened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.fleet.places import Share, follows, place_of, stage_position

percents = st.lists(st.integers(0, 100), min_size=1, max_size=6).map(sorted)
kinds = st.sampled_from(["internal", "trial", "production"])
tenancies = st.sampled_from(["dedicated", "byok"])


def stages(shares: list[int]) -> list[Share]:
    return [Share(position, 100, share, share) for position, share in enumerate(shares, start=1)]


@given(st.text(max_size=40), st.text(max_size=24))
def test_a_place_is_one_of_a_hundred_and_stays(salt, instance):
    assert place_of(salt, instance) in range(100)
    assert place_of(salt, instance) == place_of(salt, instance)


def test_places_are_these_for_ever():
    """Everybody's place would change with the recipe."""
    assert [place_of("salt", f"src-{number}") for number in range(6)] == [80, 92, 40, 7, 24, 27]


def test_a_share_is_about_that_many():
    early = [stage_position(place_of("s", f"src-{n}"), kind="trial", tenancy="dedicated", stages=stages([30, 100]))
             for n in range(2_000)]  # fmt: skip
    assert 0.26 < early.count(1) / 2_000 < 0.34


@given(st.integers(0, 99), kinds, tenancies, percents, st.integers(0, 5), st.integers(0, 100))
def test_widening_a_stage_never_makes_anybody_later(place, kind, tenancy, shares, which, by):
    before = stage_position(place, kind=kind, tenancy=tenancy, stages=stages(shares))
    wider = [min(100, share + by) if n >= which else share for n, share in enumerate(shares)]
    after = stage_position(place, kind=kind, tenancy=tenancy, stages=stages(wider))
    if before is not None:
        assert after is not None
        assert after <= before


@given(st.integers(0, 99), percents, st.randoms())
def test_the_order_of_the_rows_does_not_matter(place, shares, random):
    ordered = stages(shares)
    shuffled = random.sample(ordered, len(ordered))
    for kind in ("internal", "trial", "production"):
        asked = {"kind": kind, "tenancy": "dedicated"}
        assert stage_position(place, stages=ordered, **asked) == stage_position(place, stages=shuffled, **asked)


@pytest.mark.parametrize(
    ("kind", "tenancy", "position"),
    [
        ("internal", "dedicated", 1),
        ("internal", "byok", 1),
        ("trial", "dedicated", 2),
        ("production", "dedicated", 3),
        ("trial", "byok", 3),
        ("production", "byok", 3),
    ],
)
def test_who_brings_a_cluster_counts_as_a_customer(kind, tenancy, position):
    table = [Share(1), Share(2, trial_percent=100), Share(3, trial_percent=100, customer_percent=100)]
    assert stage_position(50, kind=kind, tenancy=tenancy, stages=table) == position


def test_nobody_is_reached_by_a_policy_that_ends_before_them():
    assert stage_position(40, kind="trial", tenancy="dedicated", stages=stages([10, 40])) is None


@pytest.mark.parametrize(
    ("channel", "released_to", "gets_it"),
    [
        ("insiders", "stable", True),
        ("early", "early", True),
        ("stable", "early", False),
        ("early", "insiders", False),
        ("paused", "stable", False),
    ],
)
def test_bolder_channels_get_what_the_cautious_get(channel, released_to, gets_it):
    assert follows(channel, released_to) is gets_it
