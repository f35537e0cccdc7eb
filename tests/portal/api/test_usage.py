"""What a program is told of how an instance is used."""

from datetime import timedelta

import pytest

from billing.models import SeatOveruse
from portal.core import clock
from portal.core.models import Scope
from provisioning.models import Instance, Usage
from tests.billing.mirror import subscribe
from tests.portal.api.calling import problem
from tests.portal.api.test_schema import check, served

pytestmark = pytest.mark.django_db
FIGURES = {"seats": 31, "active_1d": 4, "active_7d": 12, "active_30d": 19}


@pytest.fixture
def path(started):
    return f"/instances/{started['id']}/usage"


def counted(ago=0, **figures) -> None:
    at = clock.now() - timedelta(days=ago)
    instance = Instance.objects.get()
    Usage.objects.create(instance=instance, day=at.date(), counted_at=at, figures=FIGURES | figures)


def test_what_was_never_counted_is_null(acmes, path):
    assert acmes.get(path).json() == {
        "seats": {"paid": None, "used": None, "over_since": None},
        "newest": None,
        "days": [],
    }


def test_seats_and_days_are_told(acmes, path):
    instance = Instance.objects.get()
    subscribe(instance, {"team-month-usd-1": 25})
    today = clock.now().date()
    SeatOveruse.objects.create(instance=instance, began_on=today, paid=25, used=31)
    counted(1, seats=20)
    counted()
    response = acmes.get(path)
    body = response.json()
    assert body["seats"] == {"paid": 25, "used": 31, "over_since": today.isoformat()}
    assert [day["figures"]["seats"] for day in body["days"]] == [20, 31]
    assert body["newest"] == body["days"][-1]
    assert body["newest"]["figures"]["repositories"] is None  # it was not counted then
    check(served(), response, "get", "/instances/{instance_id}/usage")


def test_it_takes_the_same_queries_for_a_month_as_for_a_day(acmes, path, count_queries):
    counted()
    few = count_queries(acmes, path)
    for ago in range(1, 30):
        counted(ago)
    assert count_queries(acmes, path) == few
    assert len(acmes.get(path).json()["days"]) == 30


def test_it_is_nobody_elses(globexs, path):
    assert problem(globexs.get(path))["code"] == "not_found"


def test_it_needs_the_scope_to_read_instances(token_of, alice, acme, path):
    others = [scope for scope in Scope.values if scope != Scope.INSTANCES_READ]
    assert token_of(alice, acme, others).get(path).status_code == 403
