"""Drift, end to end: what was changed behind our back is told to the setting, mended, and told no more."""

import time

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import Change
from provisioning.engine.survey import Verdict
from provisioning.models import Instance, Survey
from provisioning.selectors import findings_of, open_leaks
from provisioning.services import drift_check_request, instance_repair
from provisioning.services.surveys import surveys_go_on
from provisioning.spec import spec_of
from provisioning.steps import names
from provisioning.steps.dns import DnsRecord
from tests.provisioning.steps.world import World
from tests.provisioning.workflows.harness import assert_succeeded, run
from tests.waiting import eventually

pytestmark = [pytest.mark.helm]
PATIENCE_SECONDS = 30


def checked(instance: Instance) -> Survey:
    """Its drift survey, looked through anew by tasks of half a second."""
    survey = drift_check_request(instance=instance)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        surveys_go_on(0.5)
        survey.refresh_from_db()
        if survey.status == Survey.Status.DONE:
            return survey
    raise AssertionError(f"no end: {survey.findings}")


def not_as_wanted(survey: Survey) -> dict[str, str]:
    return {f.step: f"{f.verdict.value}: {f.sentence}" for f in findings_of(survey) if f.verdict is not Verdict.STANDS}


@pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
def test_what_was_changed_behind_our_back_is_told_and_mended(standing, by_ada):
    assert not_as_wanted(checked(standing)) == {}

    meddle(standing)
    survey = checked(standing)
    assert survey.differing == 2, not_as_wanted(survey)
    found = {finding.step: finding for finding in findings_of(survey)}
    assert found["database"].changes == (Change("settings.tier", standing.size.sql_tier, "db-custom-8-32768"),)
    assert found["database"].resource.endswith(f"instances/sql-{standing.pk}")
    assert found["dns"].verdict is Verdict.MISSING
    assert [leak.resource for leak in open_leaks()] == [found["dns"].resource]

    assert_succeeded(run(instance_repair(instance=standing, actor=by_ada)))
    assert not_as_wanted(checked(standing)) == {}
    assert not open_leaks().exists()


@pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
def test_one_broken_service_leaves_the_rest_told(standing, devcloud):
    devcloud.add_fault("GET secrets", "status", service="kubernetes", status=500)
    survey = checked(standing)
    assert survey.unclear > 0
    found = {finding.step: finding.verdict for finding in findings_of(survey)}
    assert found["namespace"] is Verdict.STANDS
    assert found["health"] is Verdict.STANDS


def meddle(instance: Instance) -> None:
    """Somebody makes the database server larger by hand, and removes the domain name."""
    spec = spec_of(instance)
    place = {"project": spec.id, "instance": names.sql_instance(spec)}
    servers = api("sqladmin", "v1").instances()
    execute(servers.patch(**place, body={"settings": {"tier": "db-custom-8-32768"}}))
    eventually(lambda: execute(servers.get(**place))["settings"]["tier"] == "db-custom-8-32768")
    World(spec).drop(DnsRecord())
