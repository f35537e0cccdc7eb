"""The drawing of an operation: no two stations in one place, no track through a foreign station."""

import pytest

from portal.web.drawing import _lines, _without_detours, draw
from portal.web.samples import sample_story
from provisioning.selectors import progress_of
from provisioning.services import instance_delete


@pytest.fixture
def progress(request, setup, running, by_alice):
    if request.param == "setup":
        return progress_of(setup)
    return progress_of(instance_delete(instance=running, confirmation="acme", actor=by_alice))


both = pytest.mark.parametrize("progress", ["setup", "teardown"], indirect=True)


@both
def test_every_step_has_a_place_of_its_own(progress):
    stations = draw(progress).stations
    assert len({(station.x, station.y) for station in stations}) == len(stations) == len(progress.steps)


@both
def test_the_longest_path_runs_straight(progress):
    assert len({station.y for station in draw(progress).stations if station.step.is_on_longest_path}) == 1


@both
def test_no_track_along_a_row_passes_a_station_off_the_longest_path(progress):
    drawing = draw(progress)
    places = {station.step.name: station for station in drawing.stations}
    needs = _without_detours({step.name: step for step in progress.steps})
    for name, station in places.items():
        for start in (places[need] for need in needs[name]):
            between = [
                other
                for other in places.values()
                if other.y == start.y and start.x < other.x < station.x and not other.step.is_on_longest_path
            ]
            assert not between, f"{start.step.name} to {name} passes {between[0].step.name}"


@both
def test_everything_lies_within_the_drawing(progress):
    drawing = draw(progress)
    assert all(0 < station.x < drawing.width and 0 < station.y < drawing.height for station in drawing.stations)


@both
def test_it_fits_the_page(progress):
    assert draw(progress).width <= 1_300


def test_a_need_that_is_needed_anyway_is_not_drawn_twice():
    steps = {step.name: step for step in sample_story().progress.steps}
    tracks = len(draw(sample_story().progress).tracks)
    assert tracks == sum(len(needs) for needs in _without_detours(steps).values())


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("dns", ("DNS",)),
        ("sql-user", ("SQL user",)),
        ("private-connection", ("Private", "connection")),
        ("extraordinarily-long", ("Extraordinarily", "long")),
        ("incomprehensibilities", ("Incomprehensibilities",)),
    ],
)
def test_a_name_is_broken_where_its_line_is_full(name, lines):
    assert _lines(name) == lines
