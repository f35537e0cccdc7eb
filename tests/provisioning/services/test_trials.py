"""A trial's end is moved."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.core import clock as portal_clock
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance
from provisioning.services import instance_delete, trial_extend, trial_start
from tests.conftest import SUSPENDED

LATER = datetime(2027, 1, 31, tzinfo=UTC)


@pytest.fixture
def running(clock, trial_of_acme: Instance) -> Instance:
    """Acme's trial, which ends on 24 December 2026."""
    trial_of_acme.operations.update(status="succeeded")
    Instance.objects.update(status="running", ready_at=portal_clock.now())
    trial_of_acme.refresh_from_db()
    return trial_of_acme


def extend(instance, actor, until=LATER, reason="They asked.") -> Instance:
    return trial_extend(instance=instance, until=until, actor=actor, reason=reason)


def test_it_ends_later_and_the_audit_says_from_when_to_when(running, by_ada):
    assert extend(running, by_ada).trial_ends_at == LATER
    event = AuditEvent.objects.get(action="instance.trial-extended")
    assert (event.object_id, event.organization_id) == (running.pk, running.organization_id)
    assert (event.actor, event.reason) == (by_ada.user, "They asked.")
    assert event.details == {"from": "2026-12-24T12:00:00+00:00", "to": "2027-01-31T00:00:00+00:00"}


def test_a_suspended_one_ends_later_too_and_stays_suspended(running, by_ada):
    Instance.objects.update(**SUSPENDED)
    extend(running, by_ada)
    running.refresh_from_db()
    assert (running.status, running.trial_ends_at) == ("suspended", LATER)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_required(running, by_ada, reason):
    with pytest.raises(Invalid, match="Say why") as refused:
        extend(running, by_ada, reason=reason)
    assert refused.value.field == "reason"


@pytest.mark.parametrize("until", ["2026-12-24T12:00:00+00:00", "2026-12-23T00:00:00+00:00"])
def test_it_never_ends_sooner(running, by_ada, until):
    with pytest.raises(Invalid, match="later than its present end"):
        extend(running, by_ada, until=datetime.fromisoformat(until))


def test_it_never_ends_in_the_past(running, by_ada):
    Instance.objects.update(trial_ends_at=portal_clock.now() - timedelta(days=9))
    with pytest.raises(Invalid, match="still to come"):
        extend(running, by_ada, until=portal_clock.now() - timedelta(days=1))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "production", "trial_ends_at": None}, "Only a trial"),
        ({"status": "pending"}, "runs or is suspended"),
        ({"status": "deleted"}, "runs or is suspended"),
    ],
)
def test_what_is_no_living_trial_is_not_extended(running, by_ada, fields, why):
    Instance.objects.update(**fields)
    with pytest.raises(Conflict, match=why):
        extend(running, by_ada)


def test_one_that_is_being_deleted_is_not_extended(running, by_ada):
    instance_delete(instance=running, confirmation="acme", actor=by_ada)
    with pytest.raises(Conflict, match="being deleted"):
        extend(running, by_ada)


def test_with_leave_an_organization_has_one_more_but_never_two_at_once(running, acme, by_alice):
    wish = {"organization": acme, "slug": "acme-two", "region": "us-central1", "actor": by_alice, "may_repeat": True}
    with pytest.raises(Conflict, match="has a trial already"):
        trial_start(**wish)
    Instance.objects.update(status="deleted")
    assert trial_start(**wish).slug == "acme-two"
