"""Databases written into a bucket, who may do that on what conditions, and when what is there goes."""

from typing import Any

import pytest

from tests.devcloud.google_client import refusal
from tests.devcloud.test_google_backups import add_database, make_server

BUCKET = "portal-backups"
DAY = 24 * 3600


@pytest.fixture
def server(place) -> str:
    """Its account's mail address. There is a database in it."""
    make_server(place)
    add_database(place, "pgsql")
    found = place.google.api("sqladmin").instances().get(project=place.id, instance="db").execute()
    return str(found["serviceAccountEmailAddress"])


@pytest.fixture
def storage(google):
    return google.api("storage")


def name_of(place, database="pgsql") -> str:
    return f"{place.id}/op-1/{database}.sql.gz"


def export(place, database="pgsql", **context):
    usual = {"fileType": "SQL", "uri": f"gs://{BUCKET}/{name_of(place, database)}", "databases": [database]}
    instances = place.google.api("sqladmin").instances()
    body = {"exportContext": {**usual, **context}}
    return instances.export(project=place.id, instance="db", body=body)


def policy_of(storage, version=3):
    return storage.buckets().getIamPolicy(bucket=BUCKET, optionsRequestedPolicyVersion=version).execute()


def grant(storage, email, prefix="", **changes):
    policy = policy_of(storage)
    binding: dict[str, Any] = {"role": "roles/storage.objectAdmin", "members": [f"serviceAccount:{email}"]}
    if prefix:
        below = f'resource.name.startsWith("projects/_/buckets/{BUCKET}/objects/{prefix}")'
        expression = f'resource.type == "storage.googleapis.com/Bucket" || {below}'
        binding["condition"] = {"title": "only there", "expression": expression}
    wanted = {"etag": policy["etag"], "version": 3, "bindings": [*policy.get("bindings", []), binding], **changes}
    return storage.buckets().setIamPolicy(bucket=BUCKET, body=wanted)


class TestAnExport:
    def test_is_an_object_when_it_is_done(self, place, server, storage):
        grant(storage, server, f"{place.id}/").execute()
        ended = place.run("sqladmin", export(place))
        assert (ended["operationType"], ended["exportContext"]["databases"]) == ("EXPORT", ["pgsql"])
        found = storage.objects().get(bucket=BUCKET, object=name_of(place)).execute()
        assert int(found["size"]) > 0
        listed = storage.objects().list(bucket=BUCKET, prefix=f"{place.id}/").execute()["items"]
        assert [item["name"] for item in listed] == [name_of(place)]

    def test_needs_the_servers_account_to_be_let_in(self, place, server):
        assert "storage.objects.create" in refusal(export(place)).message

    def test_is_let_in_only_where_it_may_be(self, place, server, storage):
        grant(storage, server, "elsewhere/").execute()
        assert refusal(export(place)).code == 403

    def test_is_one_change_at_a_time(self, place, server, storage):
        grant(storage, server).execute()
        export(place).execute()
        assert refusal(export(place)).reason == "operationInProgress"

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"databases": ["codeintel"]}, 400),
            ({"databases": []}, 400),
            ({"fileType": "CSV"}, 400),
            ({"uri": "elsewhere.sql"}, 400),
            ({"uri": "gs://no-such-bucket/pgsql.sql.gz"}, 404),
        ],
    )
    def test_of_what_is_not_there_is_refused(self, place, server, storage, wrong, code):
        grant(storage, server).execute()
        assert refusal(export(place, **wrong)).code == code

    def test_wants_a_server_that_runs(self, place, server, storage):
        grant(storage, server).execute()
        servers = place.google.api("sqladmin").instances()
        stopped = {"settings": {"activationPolicy": "NEVER"}}
        place.run("sqladmin", servers.patch(project=place.id, instance="db", body=stopped))
        assert "not running" in refusal(export(place)).message

    def test_that_fails_leaves_nothing(self, place, server, storage, faulty):
        grant(storage, server).execute()
        faulty.add_fault("sql.instances.export", "fail_operation", code="ERROR_RDBMS", message="no room")
        assert place.run("sqladmin", export(place))["error"]["errors"][0]["message"] == "no room"
        assert refusal(storage.objects().get(bucket=BUCKET, object=name_of(place))).code == 404


class TestThePolicyOfABucket:
    def test_is_written_only_by_who_has_read_the_newest(self, server, storage):
        late = grant(storage, server)
        grant(storage, server).execute()
        assert refusal(late).code == 412

    def test_tells_conditions_only_to_who_asks_for_them(self, place, server, storage):
        grant(storage, server, f"{place.id}/").execute()
        assert "condition" in policy_of(storage)["bindings"][-1]
        veiled = policy_of(storage, version=1)["bindings"][-1]
        assert "condition" not in veiled
        assert "_withcond_" in veiled["role"]

    def test_takes_conditions_in_version_three_alone(self, place, server, storage):
        assert refusal(grant(storage, server, f"{place.id}/", version=1)).code == 400

    def test_takes_no_conditions_where_single_objects_have_lists_of_their_own(self, google, place, server, storage):
        host = google.project("iam", "storage")
        storage.buckets().insert(project=host.id, body={"name": f"plain-{host.id}"}).execute()
        condition = {"title": "t", "expression": 'resource.type == "storage.googleapis.com/Bucket"'}
        binding = {
            "role": "roles/storage.objectAdmin",
            "members": [f"serviceAccount:{server}"],
            "condition": condition,
        }
        body = {"version": 3, "bindings": [binding]}
        assert "uniform" in refusal(storage.buckets().setIamPolicy(bucket=f"plain-{host.id}", body=body)).message

    def test_knows_an_account_no_longer_than_its_server(self, place, server, storage):
        servers = place.google.api("sqladmin").instances()
        place.run("sqladmin", servers.delete(project=place.id, instance="db"))
        assert "does not exist" in refusal(grant(storage, server)).message


class TestObjects:
    @pytest.fixture
    def stored(self, place, server, storage) -> str:
        grant(storage, server, f"{place.id}/").execute()
        place.run("sqladmin", export(place))
        return name_of(place)

    def test_go_when_they_are_told_to(self, stored, storage):
        storage.objects().delete(bucket=BUCKET, object=stored).execute()
        assert refusal(storage.objects().delete(bucket=BUCKET, object=stored)).code == 404

    def test_go_by_the_buckets_rule(self, stored, storage, devcloud):
        devcloud.skip(30 * DAY - 600)
        storage.objects().get(bucket=BUCKET, object=stored).execute()
        devcloud.skip(600)
        assert refusal(storage.objects().get(bucket=BUCKET, object=stored)).code == 404

    def test_keep_their_bucket(self, stored, storage):
        assert "not empty" in refusal(storage.buckets().delete(bucket=BUCKET)).message


def test_a_lifecycle_rule_needs_an_action_and_a_condition(storage):
    rule = {"action": {"type": "Delete"}}
    assert refusal(storage.buckets().patch(bucket=BUCKET, body={"lifecycle": {"rule": [rule]}})).code == 400
