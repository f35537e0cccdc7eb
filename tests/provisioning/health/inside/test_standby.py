"""What is found of a standby: whether it follows, how far behind it is, how old the backups beside it are."""

from dataclasses import replace

import pytest

from portal.core import clock
from portal.core.audit import Actor
from provisioning.clients.google import api, execute
from provisioning.fleet.standby import OLDEST_DATABASES, OLDEST_VOLUMES
from provisioning.health.inside.findings import Subject, Verdict
from provisioning.health.inside.standby import look_at_standby
from provisioning.models import Health, Instance
from provisioning.services import instance_apply_features
from provisioning.services.rounds import health_ask, health_go_on
from provisioning.spec import FeatureSpec, spec_of
from provisioning.steps import names
from tests.provisioning.workflows.harness import assert_succeeded, run
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.helm]
SECOND_HOME = FeatureSpec("second-home", parts=("standby",))


@pytest.fixture
def protected(running: Instance) -> Instance:
    owner = Actor(running.created_by, running.admin_email)
    assert_succeeded(run(instance_apply_features(instance=running, features=[SECOND_HOME], actor=owner)))
    running.refresh_from_db()
    return running


@pytest.fixture
def subject(protected) -> Subject:
    return Subject(spec_of(protected), clock.now())


@pytest.fixture
def lag(devcloud, subject):
    def lag(seconds: float | None) -> None:
        wish = {"project": subject.spec.id, "instance": names.standby_instance(subject.spec)}
        devcloud.control("PUT", "replication", {**wish, "seconds": seconds})

    return lag


def back_up(subject: Subject) -> None:
    backups = api("gkebackup", "v1").projects().locations().backupPlans().backups()
    plan = names.standby_plan_path(subject.spec)
    execute(backups.create(parent=plan, backupId="one", body={}))
    eventually(lambda: execute(backups.get(name=f"{plan}/backups/one"))["state"] == "SUCCEEDED")


def test_one_that_follows_is_well_and_says_how_far_it_is_behind(subject):
    found = look_at_standby(subject)
    assert found.state == Verdict.WELL
    assert found.sentence == "The standby in us-east1 is 3 s behind."
    assert found.figures == {"lag_seconds": 3.0, "volumes_at": None}


def test_one_that_is_far_behind_is_not(subject, lag):
    lag(OLDEST_DATABASES.total_seconds() + 10)
    found = look_at_standby(subject)
    assert (found.state, found.sentence) == (Verdict.DEGRADED, "The standby of the databases is 311 s behind.")


def test_where_nobody_knows_nothing_is_said(subject, lag):
    lag(None)
    assert look_at_standby(subject).state == Verdict.UNKNOWN


def test_backups_of_the_volumes_that_are_old_are_told(subject, later):
    back_up(subject)
    assert look_at_standby(subject).figures["volumes_at"] is not None
    hours = OLDEST_VOLUMES.total_seconds() / 3_600
    overdue = later(look_at_standby, subject, hours=hours + 1)
    assert overdue.state in {Verdict.DEGRADED, Verdict.UNKNOWN}


def test_one_that_is_gone_is_told(subject):
    place = {"project": subject.spec.id, "instance": names.standby_instance(subject.spec)}
    instances = api("sqladmin", "v1").instances()
    execute(instances.patch(**place, body={"settings": {"deletionProtectionEnabled": False}}))
    eventually(lambda: not execute(instances.get(**place))["settings"]["deletionProtectionEnabled"])
    execute(instances.delete(**place))
    eventually(lambda: look_at_standby(subject).sentence == "There is no standby of the databases.")


@pytest.mark.parametrize("change", [{"features": ()}, {"lost_region": "us-east1"}])
def test_who_has_none_has_nothing_to_see(subject, change):
    assert look_at_standby(replace(subject, spec=replace(subject.spec, **change))).state == Verdict.SKIPPED


def test_the_round_keeps_what_it_saw_last_when_it_sees_nothing_any_more(protected, subject, lag):
    health_ask(Instance.objects.all())
    health_go_on()
    row = Health.objects.get()
    assert (row.standby_lag_seconds, row.standby_seen_at is not None) == (3.0, True)
    lag(None)
    health_ask(Instance.objects.all())
    health_go_on()
    later = Health.objects.get()
    assert (later.standby_lag_seconds, later.standby_seen_at) == (3.0, row.standby_seen_at)
