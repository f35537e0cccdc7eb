"""What is found of the database server: whether it runs, and how old its newest backup is.

Nights pass for a devcloud of its own, and the portal's clock goes with that: others would be left in the future.
"""

from collections.abc import Callable
from datetime import datetime

import pytest
import time_machine

from provisioning.health.inside.database import look_at_database
from provisioning.health.inside.findings import Finding, Subject, Verdict
from provisioning.spec import spec_of
from provisioning.steps.sql import server_of
from tests.provisioning.workflows.standing import Standing
from tests.stack.devcloud import start_devcloud
from tools.ports import any_free

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.helm]
HOUR = 3_600


@pytest.fixture(scope="module")
def devcloud_server(tmp_path_factory):
    server = start_devcloud(tmp_path_factory.mktemp("nights"), elsewhere_port=any_free())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def provisioned() -> dict[tuple[str, str], Standing]:
    return {}


@pytest.fixture
def subject(running, devcloud) -> Subject:
    """An instance that runs from now on, as devcloud's clock has it."""
    return Subject(spec_of(running), moment(devcloud))


@pytest.fixture
def after(devcloud, subject) -> Callable[[float], Finding]:
    """What is found when so many hours have passed everywhere."""

    def look(hours: float) -> Finding:
        with time_machine.travel(moment(devcloud, hours), tick=False):
            return look_at_database(subject)

    return look


def moment(devcloud, hours: float = 0) -> datetime:
    return datetime.fromisoformat(devcloud.control("POST", "clock", {"skip": hours * HOUR})["now"])


def fail(devcloud, subject, *, fails: bool) -> None:
    devcloud.control("PUT", "nightly-backups", {"project": subject.spec.id, "fails": fails})


def test_one_that_has_just_been_made_need_not_have_a_backup(after):
    found = after(0)
    assert (found.state, found.figures["backup_at"]) == (Verdict.WELL, None)


def test_without_one_for_a_day_and_a_half_it_is_degraded(devcloud, subject, after):
    fail(devcloud, subject, fails=True)
    assert after(35).state == Verdict.WELL
    found = after(2)
    assert (found.state, found.sentence) == (Verdict.DEGRADED, "The database server has no backup.")


def test_it_is_backed_up_every_night(after):
    found = after(50)
    assert (found.state, found.figures["backup_at"] is not None) == (Verdict.WELL, True)


def test_backups_that_come_to_nothing_are_none(devcloud, subject, after):
    assert after(24).state == Verdict.WELL
    fail(devcloud, subject, fails=True)
    assert after(72).sentence.startswith("The newest backup of the database server is of ")
    fail(devcloud, subject, fails=False)
    assert after(24).state == Verdict.WELL


def test_a_server_that_does_not_run_is_told(devcloud, subject, after):
    name = f"projects/{subject.spec.id}/instances/sql-{subject.spec.id}"
    document = devcloud.control("GET", "snapshot")["sql.instances"][name]
    document["body"]["state"] = "SUSPENDED"
    devcloud.control("PATCH", "snapshot", {"sql.instances": {name: document}})
    assert server_of(subject.spec)["state"] == "SUSPENDED"
    found = after(0)
    assert (found.state, found.sentence) == (Verdict.DEGRADED, "The database server is SUSPENDED.")


@pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
def test_on_a_brought_cluster_databases_are_pods(after):
    assert after(0).state == Verdict.SKIPPED
