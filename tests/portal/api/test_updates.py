"""What a program reads of an instance's updates, and chooses about them."""

import pytest

from portal.core.models import AuditEvent
from provisioning.models import Instance, RolloutMember
from tests.portal.api.calling import problem
from tests.provisioning.rollouts import toy_fleet

pytestmark = pytest.mark.django_db
LATER = "2026-11-30T00:00:00Z"


class TestAnInstance:
    def test_says_what_it_follows_and_how_it_stands(self, acmes, served, member):
        body = acmes.get(f"/instances/{served.pk}").json()
        assert body["channel"] == "stable"
        assert body["maintenance_window"] == {"weekday": None, "hour": 1, "time_zone": "Europe/Berlin"}
        standing = body["release"]
        assert (standing["version"], standing["newest"]) == ("90.1.0", "90.2.0")
        assert standing["reason"].endswith(".")
        assert standing["expected_at"] == "2026-11-25T00:00:00Z"
        [listed] = acmes.get("/instances").json()["results"]
        assert listed == body

    def test_has_its_regions_time_zone_by_default(self, acmes, served):
        Instance.objects.update(time_zone="", region="asia-northeast1", maintenance_weekday=6)
        window = acmes.get(f"/instances/{served.pk}").json()["maintenance_window"]
        assert window == {"weekday": "sunday", "hour": 1, "time_zone": "Asia/Tokyo"}

    def test_stands_to_no_release_once_it_is_deleted(self, acmes, served):
        Instance.objects.update(status="deleted")
        assert acmes.get(f"/instances/{served.pk}").json()["release"] is None

    def test_takes_a_constant_number_of_queries_in_a_list(self, acmes, acme, alice, old, new, begun, count_queries):
        toy_fleet.populate(acme, alice, old, 40)
        begun()
        acmes.get("/regions")
        assert count_queries(acmes, "/instances?limit=2") == count_queries(acmes, "/instances?limit=40") <= 16


class TestMaintenance:
    def test_is_set(self, acmes, served, alice):
        wish = {"channel": "early", "weekday": "sunday", "hour": 22, "time_zone": "America/New_York"}
        response = acmes.patch(f"/instances/{served.pk}/maintenance", wish)
        assert response.status_code == 200
        body = response.json()
        assert body["channel"] == "early"
        assert body["maintenance_window"] == {"weekday": "sunday", "hour": 22, "time_zone": "America/New_York"}
        assert acmes.get(f"/instances/{served.pk}").json() == body
        event = AuditEvent.objects.get(action="instance.maintenance")
        assert event.actor == alice
        assert "(token msp_" in event.actor_label

    @pytest.mark.parametrize(
        ("wish", "column", "value"),
        [
            ({"hour": 3}, "maintenance_hour", 3),
            ({"weekday": None}, "maintenance_weekday", None),
            ({"weekday": "monday"}, "maintenance_weekday", 0),
            ({"time_zone": ""}, "time_zone", ""),
            ({}, "maintenance_hour", 1),
        ],
    )
    def test_leaves_what_is_left_out(self, acmes, served, wish, column, value):
        Instance.objects.update(maintenance_weekday=2, channel="early")
        before = Instance.objects.values().get()
        assert acmes.patch(f"/instances/{served.pk}/maintenance", wish).status_code == 200
        assert Instance.objects.values().get() == {**before, column: value}

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"channel": "wild"}, "channel"),
            ({"weekday": 3}, "weekday"),
            ({"hour": 24}, "hour"),
            ({"hour": None}, "hour"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_is_told_by_field_what_is_wrong(self, acmes, served, wish, field):
        response = acmes.patch(f"/instances/{served.pk}/maintenance", wish)
        assert response.status_code == 422
        assert list(problem(response)["errors"]) == [field]

    def test_leaves_some_channels_to_us(self, acmes, served):
        response = acmes.patch(f"/instances/{served.pk}/maintenance", {"channel": "insiders"})
        assert (response.status_code, problem(response)["code"]) == (403, "forbidden")

    def test_of_a_deleted_instance_is_a_conflict(self, acmes, served):
        Instance.objects.update(status="deleted")
        response = acmes.patch(f"/instances/{served.pk}/maintenance", {"hour": 3})
        assert (response.status_code, problem(response)["code"]) == (409, "conflict")


class TestUpdates:
    def test_are_those_planned_and_those_done(self, acmes, served, member, done):
        operation = done(served, probes=120, failed_probes=3, downtime_seconds=14.0)
        done(served, kind="repair", days=2)
        body = acmes.get(f"/instances/{served.pk}/updates").json()
        assert body["planned"] == [
            {
                "id": member.rollout_id,
                "title": "Upgrade to 90.2.0",
                "starts_at": "2026-11-25T00:00:00Z",
                "ends_at": "2026-11-25T04:00:00Z",
                "expected_downtime_seconds": 14.0,
                "is_urgent": False,
                "postponed_until": None,
            }
        ]
        [update] = body["done"]
        assert (update["id"], update["kind"], update["version"]) == (operation.pk, "upgrade", "90.1.0")
        assert update["seen_from_outside"] == {"looks": 120, "failed": 3, "downtime_seconds": 14.0}
        assert acmes.get(update["url"]).status_code == 200

    def test_can_be_put_off(self, acmes, served, member):
        response = acmes.post(f"/instances/{served.pk}/updates/postpone", {"until": LATER})
        assert response.status_code == 200
        [planned] = response.json()["planned"]
        assert planned["starts_at"] == planned["postponed_until"] == LATER
        assert acmes.get(f"/instances/{served.pk}/updates").json() == response.json()
        body = acmes.post(f"/instances/{served.pk}/updates/postpone", {"until": None, "update": planned["id"]}).json()
        assert body["planned"][0]["postponed_until"] is None

    def test_are_put_off_once_for_a_key(self, acmes, served, member):
        path = f"/instances/{served.pk}/updates/postpone"
        first = acmes.post(path, {"until": LATER}, key="one")
        second = acmes.post(path, {"until": LATER}, key="one")
        assert (second.status_code, second.json()) == (200, first.json())
        assert second["Idempotency-Replayed"] == "true"
        assert AuditEvent.objects.filter(action="rollout.postpone").count() == 1

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"until": "2026-12-24T00:00:00Z"}, "until"),
            ({"until": "2026-11-01T00:00:00Z"}, "until"),
            ({"until": "soon"}, "until"),
            ({}, "until"),
            ({"until": LATER, "update": "rol-0"}, "update"),
        ],
    )
    def test_are_put_off_within_the_policy(self, acmes, served, member, wish, field):
        response = acmes.post(f"/instances/{served.pk}/updates/postpone", wish)
        assert response.status_code == 422
        assert list(problem(response)["errors"]) == [field]
        assert RolloutMember.objects.get().not_before is None

    def test_that_are_urgent_or_not_planned_are_a_conflict(self, acmes, served, begun):
        path = f"/instances/{served.pk}/updates/postpone"
        assert "Nothing is planned" in problem(acmes.post(path, {"until": LATER}))["detail"]
        begun(is_emergency=True, reason="A hole.")
        assert "urgent" in problem(acmes.post(path, {"until": LATER}))["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "updates", None),
        ("post", "updates/postpone", {"until": LATER}),
        ("patch", "maintenance", {"hour": 3}),
    ],
)
def test_what_is_not_yours_does_not_exist(globexs, served, member, method, path, body):
    arguments = [body] if body else []
    response = getattr(globexs, method)(f"/instances/{served.pk}/{path}", *arguments)
    assert (response.status_code, problem(response)["code"]) == (404, "not_found")
    assert Instance.objects.get().maintenance_hour == 1
    assert RolloutMember.objects.get().not_before is None
