"""Who is offered which release, and the way from one version to another."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from portal.core.errors import Invalid
from provisioning.fleet.versions import order
from provisioning.selectors.releases import crosses_incompatible, newest_for, offered_to, way, ways_from
from tests.conftest import release

pytestmark = pytest.mark.django_db


def versions(releases):
    return [each.app_version for each in releases]


class TestWhatIsOffered:
    @pytest.fixture(autouse=True)
    def known(self, db):
        for channel, version in (("stable", "5.9.0"), ("stable", "5.10.0"), ("early", "5.11.0"), ("insiders", "6.0.0")):
            release(version, channel=channel)
        release("7.0.0", status="draft")
        release("5.12.0", status="withdrawn")

    @pytest.mark.parametrize(
        ("channel", "offered"),
        [
            ("insiders", ["6.0.0", "5.11.0", "5.10.0", "5.9.0"]),
            ("early", ["5.11.0", "5.10.0", "5.9.0"]),
            ("stable", ["5.10.0", "5.9.0"]),
            ("paused", []),
        ],
    )
    def test_depends_on_the_channel_and_is_sorted_by_version(self, channel, offered):
        assert versions(offered_to(channel)) == offered
        assert newest_for(channel) == next(iter(offered_to(channel)), None)


class TestTheWay:
    def test_is_direct_as_a_rule(self):
        last = release("6.0.0")
        assert way("5.0.0", last) == [last]

    def test_is_direct_from_the_minimum_on(self):
        release("5.12.0")
        last = release("6.0.0", minimum_version="5.11.0")
        assert way("5.11.0", last) == [last]

    def test_goes_by_the_newest_stops_that_can_be_reached(self):
        for version, minimum in (("5.9.0", ""), ("5.10.0", ""), ("5.11.0", "5.10.0"), ("5.12.0", "5.10.0")):
            release(version, minimum_version=minimum)
        last = release("6.0.0", minimum_version="5.12.0")
        assert versions(way("5.8.0", last)) == ["5.10.0", "5.12.0", "6.0.0"]
        assert versions(way("5.10.5", last)) == ["5.12.0", "6.0.0"]

    def test_has_no_stop_that_is_not_published_as_widely(self):
        release("5.12.0", status="draft")
        release("5.11.0", status="withdrawn")
        release("5.10.0", channel="early")
        with pytest.raises(Invalid, match=r"can be reached from 5\.9\.5 on") as refused:
            way("5.9.0", release("6.0.0", minimum_version="5.9.5"))
        assert refused.value.field == "release"
        assert versions(way("5.9.0", release("6.1.0", minimum_version="5.9.5", channel="early"))) == ["5.10.0", "6.1.0"]

    @pytest.mark.parametrize("version", ["6.0.0", "6.0.1"])
    def test_leads_only_forward(self, version):
        with pytest.raises(Invalid, match=r"6\.0\.0 is not newer than"):
            way(version, release("6.0.0"))

    def test_to_all_that_can_be_reached_takes_one_query(self, django_assert_num_queries):
        release("5.11.0")
        release("6.0.0", minimum_version="5.11.0")
        release("7.0.0", minimum_version="6.5.0")
        release("8.0.0", status="draft")
        with django_assert_num_queries(1):
            found = ways_from("5.10.0")
        assert [versions(legs) for legs in found] == [["5.11.0", "6.0.0"], ["5.11.0"]]


class TestAWayThroughAnyReleases(TestCase):
    """Against a search through all ways there are."""

    @settings(max_examples=60, deadline=None)
    @given(minimums=st.lists(st.integers(0, 7), min_size=1, max_size=7), start=st.integers(0, 6))
    def test_is_found_whenever_there_is_one_and_is_the_shortest(self, minimums, start):
        known = {}
        for number, minimum in enumerate(minimums, start=1):
            known[number] = release(f"{number}.0.0", minimum_version=f"{min(minimum, number - 1)}.0.0")
        last = max(known)
        if start >= last:
            return
        found = versions(way_or_none(f"{start}.0.0", known[last]))
        shortest = steps_between(
            start, last, {number: min(m, number - 1) for number, m in enumerate(minimums, start=1)}
        )
        assert len(found) == (shortest or 0)
        assert found == sorted(found, key=order)


def way_or_none(version, to):
    try:
        return way(version, to)
    except Invalid:
        return []


def steps_between(start: int, last: int, minimums: dict[int, int]) -> int | None:
    """Breadth first."""
    reached, steps = {start}, 0
    while reached:
        steps += 1
        reached = {to for to, minimum in minimums.items() for now in reached if now < to and minimum <= now}
        if last in reached:
            return steps
    return None


@pytest.mark.parametrize(
    ("version_from", "version_to", "crosses"),
    [
        ("5.10.0", "5.11.0", False),
        ("5.11.0", "6.0.0", True),
        ("5.11.0", "6.1.0", True),
        ("6.0.0", "6.1.0", False),
        ("5.9.0", "5.9.5", False),
    ],
)
@pytest.mark.parametrize("status", ["published", "withdrawn"])
def test_an_incompatible_release_is_crossed_by_whoever_ends_at_or_beyond_it(status, version_from, version_to, crosses):
    release("6.0.0", "major", status=status, schema_is_compatible=False)
    release("6.1.0")
    release("5.9.1", status="draft", schema_is_compatible=False)
    assert crosses_incompatible(version_from, version_to) is crosses
