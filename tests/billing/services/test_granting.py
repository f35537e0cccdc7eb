"""Features are given for nothing: by whom, for how long, and how that ends."""

from datetime import timedelta

import pytest

from billing.models import Feature, Grant
from billing.selectors.entitlements import entitlements_of
from billing.services.granting import feature_grant, gift, grant_end
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance
from tests.billing.drafts import a_draft

pytestmark = pytest.mark.django_db
WHY = "They build a case for their board."
DAY = timedelta(days=1)


@pytest.fixture
def trial(trial) -> Instance:
    """As the database has it."""
    return Instance.objects.get(pk=trial.pk)


def ask(trial, actor, *, name="static-address", days: int | None = 30, units=1, reason=WHY) -> Grant:
    until = clock.now() + days * DAY if days is not None else None
    feature = Feature.objects.get(pk=name)
    return feature_grant(instance=trial, feature=feature, units=units, until=until, actor=actor, reason=reason)


def test_it_entitles_and_is_in_the_audit(trial, by_sam):
    made = ask(trial, by_sam)
    found = entitlements_of(trial, clock.now())["static-address"]
    assert (found.source, found.until) == ("grant", made.until)
    event = AuditEvent.objects.get(action="feature.grant")
    assert (event.reason, event.actor_label, event.details["feature"]) == (WHY, by_sam.label, "static-address")


def test_its_worth_is_said_before(trial):
    planned = gift(trial, Feature.objects.get(pk="batch-changes"), 1, clock.now() + 30 * DAY, seats=50)
    assert planned.worth == 50 * 6_00
    assert "worth 300.00 USD by list" in planned.sentences[0]


@pytest.mark.parametrize("days", [93, None])
def test_for_long_takes_a_manager(trial, by_sam, by_ada, days):
    with pytest.raises(Forbidden, match="92 days at most"):
        ask(trial, by_sam, days=days)
    assert ask(trial, by_ada, days=days)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"reason": " "}, "Say why"),
        ({"days": 0}, "end in the future"),
        ({"name": "moon-base"}, "cannot be made yet"),
        ({"units": 0}, "From 1"),
    ],
)
def test_what_cannot_be_is_refused(trial, by_sam, asked, why):
    a_draft()
    with pytest.raises(Invalid, match=why):
        ask(trial, by_sam, **asked)
    assert not Grant.objects.exists()


def test_customers_grant_nothing(trial, by_alice):
    with pytest.raises(Forbidden):
        ask(trial, by_alice)


def test_processes_grant_nothing(trial):
    with pytest.raises(Forbidden):
        ask(trial, Actor(None, "a script"))


def test_it_is_ended_once(trial, by_sam):
    made = ask(trial, by_sam)
    grant_end(grant=made, actor=by_sam, reason="They have bought it.")
    assert "static-address" not in entitlements_of(trial, clock.now())
    with pytest.raises(Conflict, match="ended already"):
        grant_end(grant=made, actor=by_sam, reason="Again.")
