"""Backup for GKE across regions: where a plan keeps its backups, what its schedule makes, what a restore brings."""

from typing import Any

import pytest

from tests.devcloud.google_client import Place, refusal

FAR = "us-east1"
DAY = 24 * 3600


def plans(place: Place) -> Any:
    return place.google.api("gkebackup").projects().locations().backupPlans()


def restore_plans(place: Place) -> Any:
    return place.google.api("gkebackup").projects().locations().restorePlans()


def location(place: Place, region: str = FAR) -> str:
    return f"{place.name}/locations/{region}"


def finished(place: Place, request: Any) -> None:
    assert "error" not in place.run("gkebackup", request)


AGENT: dict[str, Any] = {"addonsConfig": {"gkeBackupAgentConfig": {"enabled": True}}}


@pytest.fixture
def cluster(place: Place) -> str:
    place.make_network()
    return place.make_cluster(**AGENT)


@pytest.fixture
def plan(place, cluster) -> str:
    """In the other region, every six hours."""
    body = {
        "cluster": cluster,
        "backupSchedule": {"cronSchedule": "47 */6 * * *"},
        "retentionPolicy": {"backupRetainDays": 2},
        "backupConfig": {"includeVolumeData": True, "allNamespaces": True},
    }
    finished(place, plans(place).create(parent=location(place), backupPlanId="standby", body=body))
    return f"{location(place)}/backupPlans/standby"


def backups(place: Place, plan: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plans(place).backups().list(parent=plan).execute().get("backups", [])
    return found


def test_a_plan_is_kept_in_a_region_and_in_no_zone(place, cluster):
    refused = refusal(plans(place).create(parent=place.location, backupPlanId="p", body={"cluster": cluster}))
    assert "its locations are regions" in refused.message


def test_the_schedule_makes_backups_that_go_when_their_days_are_over(place, plan, devcloud):
    assert backups(place, plan) == []
    devcloud.skip(DAY)
    made = backups(place, plan)
    assert len(made) == 4
    assert {backup["state"] for backup in made} == {"SUCCEEDED"}
    devcloud.skip(3 * DAY)
    assert len(backups(place, plan)) == 8


class TestARestore:
    @pytest.fixture
    def backup(self, place, plan) -> str:
        finished(place, plans(place).backups().create(parent=plan, backupId="one", body={}))
        return f"{plan}/backups/one"

    def body(self, cluster: str, plan: str, mode: str = "MERGE_SKIP_ON_CONFLICT", **config: Any) -> dict[str, Any]:
        scope = config or {"allNamespaces": True}
        return {
            "cluster": cluster,
            "backupPlan": plan,
            "restoreConfig": {
                **scope,
                "namespacedResourceRestoreMode": mode,
                "volumeDataRestorePolicy": "RESTORE_VOLUME_DATA_FROM_BACKUP",
            },
        }

    def test_needs_a_cluster_in_the_restore_plans_own_region(self, place, plan, cluster):
        create = restore_plans(place).create
        refused = refusal(create(parent=location(place), restorePlanId="r", body=self.body(cluster, plan)))
        assert "in the region of the restore plan" in refused.message
        home = location(place, "us-central1")
        finished(place, create(parent=home, restorePlanId="r", body=self.body(cluster, plan)))

    def test_says_which_namespaces_once_and_filters_only_where_it_merges(self, place, plan, cluster, backup):
        home = location(place, "us-central1")
        both = self.body(cluster, plan, allNamespaces=True, selectedNamespaces={"namespaces": ["default"]})
        assert refusal(restore_plans(place).create(parent=home, restorePlanId="r", body=both)).code == 400
        strict = self.body(cluster, plan, mode="FAIL_ON_CONFLICT")
        finished(place, restore_plans(place).create(parent=home, restorePlanId="r", body=strict))
        claims = {"groupKind": {"resourceKind": "PersistentVolumeClaim"}}
        wish = {"backup": backup, "filter": {"inclusionFilters": [claims]}}
        parent = f"{home}/restorePlans/r"
        refused = refusal(restore_plans(place).restores().create(parent=parent, restoreId="x", body=wish))
        assert "restore mode that merges" in refused.message

    def test_comes_to_its_end_and_its_plan_goes_by_force(self, place, plan, cluster, backup):
        home = location(place, "us-central1")
        finished(place, restore_plans(place).create(parent=home, restorePlanId="r", body=self.body(cluster, plan)))
        parent = f"{home}/restorePlans/r"
        finished(place, restore_plans(place).restores().create(parent=parent, restoreId="x", body={"backup": backup}))
        assert restore_plans(place).restores().get(name=f"{parent}/restores/x").execute()["state"] == "SUCCEEDED"
        assert "force" in refusal(restore_plans(place).delete(name=parent)).message
        finished(place, restore_plans(place).delete(name=parent, force=True))
        assert refusal(restore_plans(place).get(name=parent)).code == 404
