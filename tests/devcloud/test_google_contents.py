"""Secrets, DNS, monitoring and buckets."""

import base64

import pytest

from tests.devcloud.google_client import refusal

ZONE = {"project": "portal-host", "managedZone": "instances"}
REPLICATION: dict[str, dict[str, dict[str, str]]] = {"replication": {"automatic": {}}}


@pytest.fixture
def place(google):
    return google.project("iam", "secretmanager", "monitoring", "storage")


class TestSecrets:
    def secrets(self, place):
        return place.google.api("secretmanager").projects().secrets()

    def make(self, place, secret_id="token"):
        return self.secrets(place).create(parent=place.name, secretId=secret_id, body=REPLICATION)

    def add(self, place, data: bytes, **payload):
        body = {"payload": {"data": base64.b64encode(data).decode(), **payload}}
        return self.secrets(place).addVersion(parent=f"{place.name}/secrets/token", body=body)

    def test_names_carry_the_projects_number(self, place):
        assert self.make(place).execute()["name"] == f"projects/{place.number}/secrets/token"

    def test_a_taken_id_is_refused(self, place):
        self.make(place).execute()
        assert refusal(self.make(place)).code == 409

    def test_a_secret_needs_a_replication_policy(self, place):
        assert refusal(self.secrets(place).create(parent=place.name, secretId="token", body={})).code == 400

    def test_each_addition_is_a_new_version(self, place):
        self.make(place).execute()
        names = [self.add(place, b"same").execute()["name"].rpartition("/")[2] for _ in range(2)]
        assert names == ["1", "2"]
        versions = self.secrets(place).versions()
        latest = versions.access(name=f"{place.name}/secrets/token/versions/latest").execute()
        assert base64.b64decode(latest["payload"]["data"]) == b"same"
        assert latest["name"].endswith("/versions/2")

    def test_a_secret_without_versions_has_no_latest(self, place):
        self.make(place).execute()
        versions = self.secrets(place).versions()
        assert refusal(versions.access(name=f"{place.name}/secrets/token/versions/latest")).code == 404

    def test_a_payload_has_64_kibibytes_at_most_and_its_checksum(self, place):
        self.make(place).execute()
        assert refusal(self.add(place, b"x" * 65537)).code == 400
        assert refusal(self.add(place, b"123456789", dataCrc32c="1")).code == 400
        assert self.add(place, b"123456789", dataCrc32c=str(0xE3069283)).execute()["state"] == "ENABLED"

    def test_a_destroyed_version_cannot_be_read(self, place):
        self.make(place).execute()
        self.add(place, b"gone").execute()
        version = f"{place.name}/secrets/token/versions/1"
        versions = self.secrets(place).versions()
        assert versions.destroy(name=version, body={}).execute()["state"] == "DESTROYED"
        assert refusal(versions.access(name=version)).status == "FAILED_PRECONDITION"

    def test_a_deleted_secret_takes_its_versions_with_it(self, place):
        self.make(place).execute()
        self.add(place, b"one").execute()
        self.secrets(place).delete(name=f"{place.name}/secrets/token").execute()
        assert self.secrets(place).list(parent=place.name).execute() == {}
        self.make(place).execute()
        assert self.add(place, b"two").execute()["name"].endswith("/versions/1")


class TestRecordSets:
    def records(self, name, data="198.18.0.9", kind="A"):
        return {"name": f"{name}.sourcegraph.localhost.", "type": kind, "ttl": 300, "rrdatas": [data]}

    def change(self, google, **body):
        return google.api("dns").changes().create(**ZONE, body=body)

    def test_a_change_is_pending_then_done(self, google):
        change = self.change(google, additions=[self.records("alpha")]).execute()
        assert change["status"] == "pending"
        get = google.api("dns").changes().get(**ZONE, changeId=change["id"])
        assert get.execute()["status"] == "pending"
        google.devcloud.skip(31)
        assert get.execute()["status"] == "done"

    def test_an_addition_of_what_is_there_is_refused(self, google):
        self.change(google, additions=[self.records("beta")]).execute()
        refused = refusal(self.change(google, additions=[self.records("beta", "198.18.0.10")]))
        assert (refused.code, refused.reason) == (409, "alreadyExists")

    def test_a_deletion_must_say_exactly_what_is_there(self, google):
        self.change(google, additions=[self.records("gamma")]).execute()
        assert refusal(self.change(google, deletions=[self.records("gamma", "198.18.0.1")])).reason == "conditionNotMet"
        assert refusal(self.change(google, deletions=[self.records("delta")])).code == 404
        swap = {"deletions": [self.records("gamma")], "additions": [self.records("gamma", "198.18.0.1")]}
        self.change(google, **swap).execute()
        name = "gamma.sourcegraph.localhost."
        [found] = google.api("dns").resourceRecordSets().list(**ZONE, name=name, type="A").execute()["rrsets"]
        assert found["rrdatas"] == ["198.18.0.1"]

    @pytest.mark.parametrize(
        ("name", "data"), [("elsewhere.example.", "198.18.0.1"), ("a.sourcegraph.localhost.", "nowhere")]
    )
    def test_a_record_outside_the_zone_or_without_sense_is_refused(self, google, name, data):
        body = {"name": name, "type": "A", "ttl": 300, "rrdatas": [data]}
        assert refusal(google.api("dns").resourceRecordSets().create(**ZONE, body=body)).code == 400

    def test_a_cname_shares_its_name_with_nobody(self, google):
        records = google.api("dns").resourceRecordSets()
        records.create(**ZONE, body=self.records("epsilon")).execute()
        body = self.records("epsilon", "other.example.", "CNAME")
        assert refusal(records.create(**ZONE, body=body)).reason == "cnameResourceRecordSetConflict"
        records.delete(**ZONE, name="epsilon.sourcegraph.localhost.", type="A").execute()
        assert records.create(**ZONE, body=body).execute()["type"] == "CNAME"


class TestMonitoring:
    def projects(self, place):
        return place.google.api("monitoring").projects()

    def check(self, place, **fields):
        body = {
            "displayName": "up",
            "monitoredResource": {"type": "uptime_url", "labels": {"project_id": place.id, "host": "a.example"}},
            "httpCheck": {"path": "/healthz", "port": 443, "useSsl": True},
            "userLabels": {"instance": "src-1"},
            **fields,
        }
        return self.projects(place).uptimeCheckConfigs().create(parent=place.name, body=body)

    def alert(self, place, check_id, **fields):
        passed = "monitoring.googleapis.com/uptime_check/check_passed"
        threshold = {
            "filter": f'metric.type="{passed}" AND metric.label.check_id="{check_id}"',
            "comparison": "COMPARISON_GT",
            "duration": "60s",
        }
        condition = {"displayName": "down", "conditionThreshold": threshold}
        body = {"displayName": "down", "combiner": "OR", "conditions": [condition], **fields}
        return self.projects(place).alertPolicies().create(name=place.name, body=body)

    def test_google_names_what_is_made_so_twice_makes_two(self, place):
        names = {self.check(place).execute()["name"] for _ in range(2)}
        assert len(names) == 2

    def test_they_are_found_by_their_labels(self, place):
        self.check(place, userLabels={"instance": "src-2"}).execute()
        wanted = self.check(place).execute()
        listed = (
            self.projects(place).uptimeCheckConfigs().list(parent=place.name, filter='user_labels.instance="src-1"')
        )
        assert listed.execute()["uptimeCheckConfigs"] == [wanted]

    def test_a_check_stays_while_an_alert_policy_looks_at_it(self, place):
        check = self.check(place).execute()["name"]
        alert = self.alert(place, check.rpartition("/")[2]).execute()["name"]
        delete = self.projects(place).uptimeCheckConfigs().delete(name=check)
        assert refusal(delete).status == "FAILED_PRECONDITION"
        self.projects(place).alertPolicies().delete(name=alert).execute()
        assert delete.execute() == {}

    def test_an_alert_policy_needs_channels_that_exist(self, place):
        channel = f"{place.name}/notificationChannels/404"
        assert refusal(self.alert(place, "x", notificationChannels=[channel])).code == 404

    def test_a_check_without_a_protocol_is_refused(self, place):
        assert refusal(self.check(place, httpCheck=None)).code == 400

    def test_an_alert_policy_can_be_switched_off(self, place):
        policies = self.projects(place).alertPolicies()
        alert = self.alert(place, "x").execute()["name"]
        assert policies.patch(name=alert, updateMask="enabled", body={"enabled": False}).execute()["enabled"] is False
        assert policies.get(name=alert).execute()["displayName"] == "down"


class TestBuckets:
    def test_a_name_is_taken_for_the_whole_world(self, google, place):
        buckets = google.api("storage").buckets()
        name = f"bucket-{place.id}"
        made = buckets.insert(project=place.id, body={"name": name, "location": "us-central1"}).execute()
        assert (made["projectNumber"], made["location"]) == (place.number, "US-CENTRAL1")
        assert "already own it" in refusal(buckets.insert(project=place.id, body={"name": name})).message
        other = google.project("iam", "storage")
        assert "not available" in refusal(buckets.insert(project=other.id, body={"name": name})).message
        assert [bucket["name"] for bucket in buckets.list(project=place.id).execute()["items"]] == [name]
        buckets.delete(bucket=name).execute()
        assert refusal(buckets.get(bucket=name)).code == 404
