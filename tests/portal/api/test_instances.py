"""What a program can do with instances: the same as a person with the pages."""

from datetime import datetime, timedelta

import pytest

from portal.core import clock
from portal.core.models import AuditEvent
from provisioning.models import Cluster, Health, Instance, Operation, Outage, ProbeMinute
from tests.conftest import SUSPENDED
from tests.portal.api.calling import problem

pytestmark = pytest.mark.django_db


def test_a_trial_is_started_and_its_operation_named(acmes, workflows):
    response = acmes.post("/instances", {"slug": "acme", "region": "europe-west3"})
    body = response.json()
    assert response.status_code == 201
    assert response["Location"].endswith(f"/api/v1/instances/{body['id']}")
    assert (body["slug"], body["kind"], body["status"], body["region"]) == ("acme", "trial", "pending", "europe-west3")
    assert body["operation"]["kind"] == "provision"
    assert acmes.get(response["Location"]).json() == body
    assert acmes.get(body["operation"]["url"]).json()["instance"] == body["id"]


def test_a_second_trial_is_a_conflict(acmes, started):
    response = acmes.post("/instances", {"slug": "acme-two", "region": "us-central1"})
    assert (response.status_code, problem(response)["code"]) == (409, "conflict")
    assert Instance.objects.count() == 1


def test_a_taken_name_is_told_before_and_at_the_start(started, globexs):
    assert globexs.get("/names/acme").json()["is_free"] is False
    response = globexs.post("/instances", {"slug": "acme", "region": "us-central1"})
    assert problem(response)["errors"] == {"slug": ["“acme” is taken. Try another name."]}


def test_a_free_name_is_told(acmes):
    body = acmes.get("/names/initech").json()
    assert body["is_free"] is True
    assert body["sentence"] == f"{body['domain']} is free."


def test_regions_have_a_name_and_a_title(acmes):
    assert {"name": "europe-west3", "title": "Frankfurt, Germany"} in acmes.get("/regions").json()["results"]


def test_an_instance_is_deleted_by_its_name(acmes, started):
    path = f"/instances/{started['id']}/teardown"
    assert problem(acmes.post(path, {"confirmation": "acmee"}))["errors"]["confirmation"]
    response = acmes.post(path, {"confirmation": "acme", "reason": "done with it"})
    assert response.status_code == 202
    assert response.json()["kind"] == "teardown"
    assert response["Location"] == response.json()["url"]
    assert AuditEvent.objects.filter(action="operation.request", reason="done with it").exists()
    assert problem(acmes.post(path, {"confirmation": "acme"}))["code"] == "conflict"


@pytest.mark.parametrize("wish", [True, False])
def test_a_final_backup_is_made_where_it_is_asked_for(acmes, started, wish):
    Instance.objects.update(status="running")
    body = {"confirmation": "acme", "final_backup": wish}
    assert acmes.post(f"/instances/{started['id']}/teardown", body).status_code == 202
    assert Operation.objects.get(kind="teardown").inputs == ({"final_backup": True} if wish else {})


def test_on_a_cluster_of_your_own_no_final_backup_is_promised(acmes, started, alice):
    brought = {"name": "brought", "organization": alice.memberships.get().organization, "server": "https://b.example"}
    cluster = Cluster.objects.create(**brought, kubeconfig_encrypted=b"", created_by=alice)
    Instance.objects.update(status="running", tenancy="byok", cluster=cluster)
    refused = acmes.post(f"/instances/{started['id']}/teardown", {"confirmation": "acme", "final_backup": True})
    assert "yours to back up" in problem(refused)["errors"]["final_backup"][0]


def test_the_live_operation_comes_before_the_queued_one(acmes, started):
    acmes.post(f"/instances/{started['id']}/teardown", {"confirmation": "acme"})
    operations = acmes.get(f"/instances/{started['id']}/operations").json()["results"]
    assert len(operations) == 2
    shown = acmes.get(f"/instances/{started['id']}").json()["operation"]
    active = Operation.objects.filter(instance=started["id"], status="running").first()
    assert active is None or shown["id"] == active.pk


def test_an_operation_has_its_steps_in_order(acmes, started):
    body = acmes.get(started["operation"]["url"]).json()
    steps = {step["name"]: step for step in body["progress"]["steps"]}
    assert list(steps) == ["ground", "left", "right", "roof"]
    assert steps["roof"]["needs"] == ["left", "right"]
    assert steps["ground"]["title"] == "A thing"
    assert 0 <= body["progress"]["share"] < 1
    assert body["progress"]["remaining_seconds"] > 0


def test_errors_are_in_customer_words(acmes, started):
    operation = Operation.objects.get(pk=started["operation"]["id"])
    operation.status, operation.error = "failed", "403 from projects/secret-host"
    operation.save()
    operation.steps.filter(name="ground").update(status="failed", error="403 from projects/secret-host", due_at=None)
    response = acmes.get(started["operation"]["url"])
    assert "secret-host" not in response.content.decode()
    assert "Our operators" in response.json()["error"]
    assert "Our operators" in response.json()["progress"]["steps"][0]["error"]


@pytest.mark.parametrize("path", ["/instances/{id}", "/instances/{id}/operations", "/operations/{operation}"])
def test_what_is_not_yours_does_not_exist(globexs, started, path):
    response = globexs.get(path.format(id=started["id"], operation=started["operation"]["id"]))
    assert (response.status_code, problem(response)["code"]) == (404, "not_found")


def test_nobody_deletes_what_is_not_theirs(globexs, started):
    response = globexs.post(f"/instances/{started['id']}/teardown", {"confirmation": "acme"})
    assert response.status_code == 404
    assert Operation.objects.filter(kind="teardown").count() == 0


def test_only_the_own_organization_is_listed(acmes, globexs, acme, globex):
    assert [row["id"] for row in acmes.get("/organizations").json()["results"]] == [acme.pk]
    assert acmes.get(f"/organizations/{acme.pk}").json()["name"] == "Acme"
    assert acmes.get(f"/organizations/{globex.pk}").status_code == 404


@pytest.fixture
def hundred(trial, alice):
    """A hundred old instances beside the trial, every second one internal."""
    Instance.objects.bulk_create(
        Instance(
            organization=trial.organization,
            slug=f"old-{number}",
            domain=f"old-{number}.example",
            kind="internal" if number % 2 else "production",
            status="deleted",
            size=trial.size,
            release=trial.release,
            admin_email=alice.email,
            created_by=alice,
        )
        for number in range(100)
    )


def test_lists_come_in_pages_and_lose_nothing(acmes, hundred):
    seen, address = [], "/instances?limit=30"
    while address:
        page = acmes.get(address).json()
        seen += [row["slug"] for row in page["results"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) == 101


def test_lists_are_filtered(acmes, hundred):
    assert len(acmes.get("/instances", status="pending").json()["results"]) == 1
    assert len(acmes.get("/instances", kind="internal", limit=100).json()["results"]) == 50


@pytest.mark.parametrize("limit", [1, 100])
def test_a_list_takes_the_same_number_of_queries_however_long(acmes, hundred, limit, django_assert_num_queries):
    acmes.get("/regions")
    with django_assert_num_queries(4):  # the token, the instances, their live operations, how they are
        acmes.get("/instances", limit=limit)


def test_an_operation_takes_a_constant_number_of_queries(acmes, started, django_assert_num_queries):
    acmes.get("/regions")
    with django_assert_num_queries(4):  # the token, the operation, its steps, how long such steps took before
        acmes.get(started["operation"]["url"])


def test_a_suspended_instance_says_since_when_and_why(acmes, globexs, started):
    path = f"/instances/{started['id']}"
    assert (started["suspended_at"], started["suspended_because"]) == (None, "")
    Instance.objects.update(**SUSPENDED)
    shown = acmes.get(path).json()
    assert (shown["status"], shown["suspended_because"]) == ("suspended", "trial-ended")
    assert shown["suspended_at"] == SUSPENDED["suspended_at"]
    assert [found["id"] for found in acmes.get("/instances?status=suspended").json()["results"]] == [started["id"]]
    assert globexs.get(path).status_code == 404


def test_an_instance_says_how_it_is_and_since_when(acmes, started, globexs):
    path = f"/instances/{started['id']}"
    assert started["health"]["state"] == "unknown"
    now = clock.now()
    Instance.objects.update(status="running", ready_at=now)
    ProbeMinute.objects.create(instance_id=started["id"], minute=now, probes=2)
    since = now - timedelta(hours=3)
    Health.objects.create(
        instance_id=started["id"], state="degraded", reason="gitserver-0 is so.", since=since, checked_at=now
    )
    assert acmes.get(path).json()["health"] == {"state": "degraded", "since": document_of(since)}
    [listed] = acmes.get("/instances").json()["results"]
    assert listed["health"]["state"] == "degraded"
    Outage.objects.create(instance_id=started["id"], began_at=now, what="It answers 503.")
    assert acmes.get(path).json()["health"] == {"state": "down", "since": document_of(now)}
    assert globexs.get(path).status_code == 404


def document_of(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
