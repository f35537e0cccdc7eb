"""A company has one trial, unless it is allowed one more."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import TrialAllowance
from billing.selectors.trials import trial_refusal
from billing.services.trials import trial_allow
from portal.core import clock
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance

pytestmark = pytest.mark.django_db
ENDS = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class TestOneForEachCompany:
    @pytest.fixture
    def ran(self, running: Instance) -> Instance:
        """Acme's trial has run."""
        return running

    @pytest.mark.parametrize("domain", ["acme.example", "eu.acme.example", "a.eu.acme.example"])
    def test_a_colleague_is_refused_without_a_name(self, ran, globex, domain):
        globex.email_domain = domain
        refusal = trial_refusal(globex)
        assert refusal == f"Somebody at {domain} has had a trial already. Ask your colleagues, or talk to us."

    def test_a_colleague_at_the_domain_above_is_refused(self, ran, acme, globex):
        acme.email_domain = "eu.globex.example"
        acme.save()
        assert "Somebody at globex.example" in trial_refusal(globex)

    @pytest.mark.parametrize("domain", ["globex.example", "notacme.example", "example"])
    def test_others_are_not(self, ran, globex, domain):
        globex.email_domain = domain
        assert trial_refusal(globex) == ""

    def test_a_free_mail_domain_is_no_company(self, ran, acme, globex):
        acme.email_domain = globex.email_domain = "gmail.com"
        acme.save()
        assert trial_refusal(globex) == ""

    def test_one_that_never_ran_does_not_count(self, ran, globex):
        Instance.objects.update(ready_at=None)
        globex.email_domain = "acme.example"
        assert trial_refusal(globex) == ""

    def test_one_that_is_gone_counts_for_a_year(self, ran, globex, day):
        globex.email_domain = "acme.example"
        Instance.objects.update(status="deleted", deleted_at=clock.now())
        day.shift(364 * DAY)
        assert trial_refusal(globex)
        day.shift(2 * DAY)
        assert trial_refusal(globex) == ""

    def test_an_organization_has_one_and_no_other(self, ran, acme):
        assert "has had its trial" in trial_refusal(acme)
        Instance.objects.update(status="deleted", deleted_at=clock.now())
        assert "has had its trial" in trial_refusal(acme)


class TestAnAllowance:
    @pytest.fixture
    def deleted(self, running: Instance, day) -> Instance:
        Instance.objects.update(status="deleted", deleted_at=clock.now())
        day.shift(DAY)
        return running

    def test_lets_an_organization_have_one_more(self, deleted, acme, by_sam, sam):
        made = trial_allow(organization=acme, actor=by_sam, reason="Another team.")
        assert (made.by, made.reason, trial_refusal(acme)) == (sam, "Another team.", "")
        event = AuditEvent.objects.get(action="trial.allow")
        assert (event.object_id, event.reason) == (acme.pk, "Another team.")

    def test_lets_a_colleague_have_one(self, deleted, globex, by_sam):
        globex.email_domain = "acme.example"
        globex.save()
        trial_allow(organization=globex, actor=by_sam, reason="Another team.")
        assert trial_refusal(globex) == ""

    def test_is_for_one(self, deleted, acme, by_sam, day):
        trial_allow(organization=acme, actor=by_sam, reason="Another team.")
        day.shift(DAY)
        Instance.objects.update(created_at=clock.now(), ready_at=clock.now())
        assert "has had its trial" in trial_refusal(acme)

    def test_is_not_given_where_nothing_is_in_the_way(self, deleted, acme, globex, by_sam):
        with pytest.raises(Conflict, match="may have a trial already"):
            trial_allow(organization=globex, actor=by_sam, reason="Why not.")
        trial_allow(organization=acme, actor=by_sam, reason="Another team.")
        with pytest.raises(Conflict, match="may have a trial already"):
            trial_allow(organization=acme, actor=by_sam, reason="Another team.")
        assert TrialAllowance.objects.count() == 1

    def test_is_not_given_beside_a_trial_that_lives(self, running, acme, by_sam):
        with pytest.raises(Conflict, match="Extend that one"):
            trial_allow(organization=acme, actor=by_sam, reason="Another team.")

    def test_is_given_by_us_with_a_reason(self, deleted, acme, by_sam, by_alice):
        with pytest.raises(Invalid, match="Say why"):
            trial_allow(organization=acme, actor=by_sam, reason="")
        with pytest.raises(Forbidden, match="Only somebody of ours"):
            trial_allow(organization=acme, actor=by_alice, reason="We want one.")
