"""What the portal tries itself out with is no customer: nothing that is told of customers knows it."""

from datetime import timedelta

import pytest

from billing.models import Upkeep
from billing.selectors.costs import living
from billing.selectors.desk import cases, customers
from billing.selectors.figures import money_figures
from billing.selectors.trials import trial_load, trial_refusal
from portal.core import clock
from portal.core.models import Organization
from provisioning.admin.instances import ending_soon
from provisioning.health.measures import measured
from provisioning.models import Instance, Outage, UptimeDay
from provisioning.selectors.reliability import fleet_reliability, worst_of_month
from provisioning.selectors.status import fleet_status
from provisioning.services.rollouts import rollout_create
from provisioning.services.rollouts.making import candidates
from tests.conftest import release
from tests.provisioning.rollouts.toy_fleet import policy

NOW = clock.now


@pytest.fixture
def canary(trial):
    """A trial that runs, has lost half a day, and ends soon: until it is marked, a customer's as any other."""
    ends = NOW() + timedelta(days=1)
    Instance.objects.filter(pk=trial.pk).update(status="running", ready_at=NOW(), trial_ends_at=ends)
    UptimeDay.objects.create(instance=trial, day=NOW().date(), watched_seconds=86_400, down_seconds=43_200)
    Outage.objects.create(instance=trial, what="It answers 503.", began_at=NOW() - timedelta(minutes=50))
    Upkeep.objects.update_or_create(instance=trial, defaults={"state": "trial", "until": ends})
    trial.refresh_from_db()
    return trial


TOLD = {
    "places for trials": lambda: trial_load().running,
    "what trials cost": lambda: trial_load().cents,
    "trials in figures": lambda: money_figures().trials,
    "costs": living,
    "customers at the desk": lambda: list(customers()),
    "cases at the desk": lambda: cases(NOW()),
    "trials that end": lambda: list(ending_soon()),
    "uptime this month": lambda: fleet_reliability().month.watched,
    "who lost most": lambda: worst_of_month(5),
    "the public status": lambda: fleet_status().parts,
    "the budget of all": lambda: measured("fleet-burn", 1, NOW()),
}


@pytest.mark.parametrize("what", TOLD)
def test_a_customer_is_told_of_and_a_canary_is_not(canary, what):
    assert TOLD[what]()
    Organization.objects.update(is_synthetic=True)
    assert not TOLD[what]()


def test_a_canary_is_nobodys_company_and_belongs_to_none(canary, globex):
    Organization.objects.filter(pk=globex.pk).update(email_domain="acme.example")
    globex.refresh_from_db()
    assert "has had a trial already" in trial_refusal(globex)
    Organization.objects.filter(pk=globex.pk).update(is_synthetic=True)
    globex.refresh_from_db()
    assert not trial_refusal(globex)
    Organization.objects.update(is_synthetic=False)
    Organization.objects.filter(pk=canary.organization_id).update(is_synthetic=True)
    globex.refresh_from_db()
    assert not trial_refusal(globex)


def test_no_rollout_is_for_it(canary, by_ada):
    draft = rollout_create(release=release("90.9.0"), policy=policy(100), actor=by_ada)
    draft.members.all().delete()
    assert list(candidates(draft)) == [canary]
    Organization.objects.update(is_synthetic=True)
    assert not list(candidates(draft))
