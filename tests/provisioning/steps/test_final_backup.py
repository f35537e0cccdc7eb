"""The last backup of an instance: in a bucket of ours, by its own server, which may write there only meanwhile."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import AsWanted, Differs, NotYet, Refused, UnderWay
from provisioning.engine.graph import Goal
from provisioning.steps import names
from provisioning.steps.final_backup import FinalBackup
from provisioning.steps.sql import DatabaseServer
from tests.provisioning.steps.world import World

BUCKET = "portal-backups"
EXPORT = "sql.instances.export"


@pytest.fixture
def world(world: World) -> World:
    """An instance that is torn down with a final backup."""
    world.inputs = {"final_backup": True}
    return world


@pytest.fixture
def served(world: World) -> World:
    """Its database server stands, with the databases in it."""
    world.build("databases")
    return world


def storage() -> Any:
    return api("storage", "v1")


def stored(world: World) -> list[str]:
    answer = execute(storage().objects().list(bucket=BUCKET, prefix=f"{world.spec.id}/"))
    return sorted(item["name"].removeprefix(f"{world.spec.id}/") for item in answer.get("items", ()))


def writers() -> list[dict[str, Any]]:
    policy = execute(storage().buckets().getIamPolicy(bucket=BUCKET, optionsRequestedPolicyVersion=3))
    return list(policy.get("bindings", ()))


def place(world: World) -> dict[str, str]:
    return {"project": world.spec.id, "instance": names.sql_instance(world.spec)}


def servers() -> Any:
    return api("sqladmin", "v1").instances()


def change_bucket(**body: Any) -> None:
    execute(storage().buckets().patch(bucket=BUCKET, body=body))


def test_all_databases_are_exported_and_the_server_is_shut_out_again(served):
    outputs = served.reach(FinalBackup())
    folder = f"{served.operation}/"
    assert stored(served) == [f"{folder}{name}.sql.gz" for name in ("codeinsights", "codeintel", "pgsql")]
    assert writers() == []
    assert outputs["uri"] == f"gs://{BUCKET}/{served.spec.id}/{folder}" == outputs["resource"]
    assert outputs["bytes"] > 0
    taken_at, until = (datetime.fromisoformat(outputs[name]) for name in ("taken_at", "kept_until"))
    assert until - taken_at == timedelta(days=30)
    assert outputs["confirmed"].startswith("Kept: 3 databases, ")


def test_the_server_is_let_in_below_its_own_name_alone(served):
    FinalBackup().make(served.context())
    [binding] = writers()
    server = execute(servers().get(**place(served)))
    assert binding["members"] == [f"serviceAccount:{server['serviceAccountEmailAddress']}"]
    assert f"/objects/{served.spec.id}/" in binding["condition"]["expression"]


def test_what_others_may_do_in_the_bucket_stays(served):
    reader = {"role": "roles/storage.objectViewer", "members": ["user:ada@portal.example"]}
    execute(storage().buckets().setIamPolicy(bucket=BUCKET, body={"bindings": [reader]}))
    served.reach(FinalBackup())
    assert writers() == [reader]


def test_a_server_that_was_stopped_is_started_for_it(served):
    execute(servers().patch(**place(served), body={"settings": {"activationPolicy": "NEVER"}}))
    served.reach(FinalBackup())
    assert len(stored(served)) == 3


def test_where_there_is_no_server_there_is_nothing_to_keep(world):
    world.build("services")
    assert world.reach(FinalBackup())["confirmed"].startswith("There was nothing to back up: Google answered 404")
    assert stored(world) == []


def test_where_there_is_no_project_there_is_nothing_to_keep(world):
    assert world.reach(FinalBackup())["confirmed"].startswith("There was nothing to back up: ")


def test_none_is_made_that_nobody_asked_for(served, made):
    served.inputs = {}
    assert served.reach(FinalBackup()) == {"confirmed": "None was asked for."}
    assert made(EXPORT) == 0


def test_without_a_bucket_none_is_made_and_it_says_so(served, settings):
    settings.GOOGLE_BACKUP_BUCKET = ""
    assert "GOOGLE_BACKUP_BUCKET" in served.reach(FinalBackup())["confirmed"]


class TestABucket:
    def test_that_is_not_there_is_not_taken_for_a_missing_server(self, served, settings):
        settings.GOOGLE_BACKUP_BUCKET = "nobodys"
        with pytest.raises(Refused, match="There is no bucket nobodys"):
            served.reach(FinalBackup())

    @pytest.mark.parametrize("rules", [[], [{"age": 7}], [{"age": 30}, {"age": 7}], [{"age": 30, "isLive": True}]])
    def test_has_to_delete_after_thirty_days_and_in_no_other_way(self, served, rules):
        change_bucket(lifecycle={"rule": [{"action": {"type": "Delete"}, "condition": rule} for rule in rules]})
        with pytest.raises(Refused, match="an age of 30 days alone"):
            served.reach(FinalBackup())
        assert writers() == []

    def test_may_do_other_things_by_rule(self, served):
        upload = {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}}
        change_bucket(lifecycle={"rule": [upload, {"action": {"type": "Delete"}, "condition": {"age": 30}}]})
        served.reach(FinalBackup())

    @pytest.mark.parametrize(
        "change",
        [{"versioning": {"enabled": True}}, {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}}}],
    )
    def test_has_to_have_one_list_of_who_may_and_no_versions(self, served, change):
        change_bucket(**change)
        with pytest.raises(Refused, match="uniform access, and no versions"):
            served.reach(FinalBackup())

    @pytest.mark.parametrize("method", ["storage.buckets.get", "storage.objects.get", "storage.buckets.getIamPolicy"])
    @pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (403, "accessNotConfigured")])
    def test_that_the_portal_may_not_use_is_a_persons_business(self, served, devcloud, method, status, reason):
        served.reach(FinalBackup())  # so that it would get as far as all of them
        served.operation = "op-another"
        devcloud.add_fault(method, "status", status=status, reason=reason)
        with pytest.raises(Refused, match="portal"):
            served.reach(FinalBackup())

    def test_whose_policy_another_teardown_has_written_meanwhile_is_read_again(self, served, devcloud):
        devcloud.add_fault("storage.buckets.setIamPolicy", "status", nth=1, status=412, reason="conditionNotMet")
        with pytest.raises(NotYet, match="another teardown"):
            FinalBackup().make(served.context())
        served.reach(FinalBackup())


class TestAnExport:
    def test_whose_answer_was_lost_is_adopted(self, served, devcloud, made):
        devcloud.add_fault(EXPORT, "act_then_drop", nth=1)
        FinalBackup().make(served.context())
        with pytest.raises(ConnectionError):
            FinalBackup().make(served.context())
        assert isinstance(FinalBackup().look(served.context()), UnderWay)
        served.reach(FinalBackup())
        assert made(EXPORT) == 3

    def test_waits_until_cloud_sql_knows_that_it_may(self, served, devcloud):
        devcloud.add_fault(EXPORT, "status", nth=1, status=403, reason="notAuthorized")
        FinalBackup().make(served.context())
        with pytest.raises(NotYet, match="to be known to Cloud SQL"):
            FinalBackup().make(served.context())
        served.reach(FinalBackup())

    def test_that_fails_for_good_is_refused_and_made_anew_by_a_persons_retry(self, served, devcloud):
        devcloud.add_fault(EXPORT, "fail_operation", nth=1, code="ERROR_RDBMS", message="pg_dump: no room")
        with pytest.raises(Refused, match="no room"):
            served.reach(FinalBackup())
        assert stored(served) == []
        served.generation += 1
        served.reach(FinalBackup())
        assert len(stored(served)) == 3

    def test_that_failed_leaves_nothing_that_counts(self, served, devcloud):
        served.reach(FinalBackup())
        execute(storage().objects().delete(bucket=BUCKET, object=f"{served.spec.id}/{served.operation}/pgsql.sql.gz"))
        assert FinalBackup().look(served.context()) == Differs("not exported: pgsql")
        served.reach(FinalBackup())
        assert isinstance(FinalBackup().look(served.context()), AsWanted)

    def test_of_a_database_that_is_not_there_is_refused(self, world):
        world.build("database")
        with pytest.raises(Refused, match="pgsql does not exist"):
            world.reach(FinalBackup())


def test_a_server_that_cannot_be_read_is_a_persons_business(world, devcloud):
    world.build("private-connection")
    devcloud.add_fault("sql.instances.insert", "fail_operation", code="INTERNAL_ERROR", message="Out of disks.")
    with pytest.raises(Refused):
        world.reach(DatabaseServer())
    with pytest.raises(Refused, match="is failed, and cannot be read"):
        world.reach(FinalBackup())


def test_once_the_server_is_gone_what_was_kept_stays(served):
    served.reach(FinalBackup())
    served.drop(DatabaseServer())
    assert len(stored(served)) == 3
    assert served.reach(FinalBackup(), goal=Goal.PRESENT)["confirmed"].startswith("There was nothing to back up")
