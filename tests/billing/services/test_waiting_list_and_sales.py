"""Sales starts a trial out of order, or refuses it, and says why."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import mail as outbox

from billing.selectors.trials import trial_refusal
from billing.services.trials import trial_allow
from billing.services.waiting_list import (
    trial_request_refuse,
    trial_request_start,
)
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.mail import send_due
from portal.core.models import AuditEvent
from portal.core.rights import SALES_MANAGERS
from tests.billing.waiting import caps, queue, states, wait

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
DAY = timedelta(days=1)


class TestSales:
    def test_starts_one_out_of_order(self, by_sam, sam):
        _, second = queue(2)
        caps(is_open=True)
        instance = trial_request_start(request=second, actor=by_sam, reason="A large account.")
        assert states() == ["waiting", "started"]
        assert (instance.slug, instance.admin_email) == ("company-1", "owner@company-1.example")
        event = AuditEvent.objects.get(action="trial.start")
        assert (event.actor, event.reason) == (sam, "A large account.")

    def test_beyond_the_caps_needs_a_manager(self, acme, by_alice, by_sam, sam):
        request = wait(acme, by_alice)
        caps(is_open=True, most_running=0)
        with pytest.raises(Forbidden, match="0 of at most 0 trials run"):
            trial_request_start(request=request, actor=by_sam, reason="A large account.")
        sam.groups.add(Group.objects.get(name=SALES_MANAGERS))
        assert trial_request_start(request=request, actor=by_sam, reason="A large account.").slug == "acme"

    def test_starts_none_while_trials_are_closed(self, acme, by_alice, by_ada):
        request = wait(acme, by_alice)
        with pytest.raises(Conflict, match="Trials are closed"):
            trial_request_start(request=request, actor=by_ada, reason="A large account.")

    def test_refuses_one_and_keeps_the_reason(self, acme, by_alice, by_sam, alice):
        request = wait(acme, by_alice)
        trial_request_refuse(request=request, actor=by_sam, reason="A competitor.")
        request.refresh_from_db()
        assert (request.state, request.reason) == ("refused", "A competitor.")
        assert "Talk to us" in trial_refusal(acme)
        send_due()
        letter = next(letter for letter in outbox.outbox if letter.subject == "Your trial does not start")
        assert letter.to == [alice.email]
        assert "Talk to us" in str(letter.body)
        assert "competitor" not in str(letter.body)

    def test_whom_it_has_refused_asks_again_once_allowed(self, acme, by_alice, by_sam, noon):
        trial_request_refuse(request=wait(acme, by_alice), actor=by_sam, reason="By mistake.")
        with pytest.raises(Conflict, match="could not give"):
            wait(acme, by_alice)
        noon.shift(DAY)
        trial_allow(organization=acme, actor=by_sam, reason="It was a mistake.")
        noon.shift(DAY)
        again = wait(acme, by_alice)
        trial_request_refuse(request=again, actor=by_sam, reason="It was none.")
        assert "could not give" in trial_refusal(acme)

    def test_says_why(self, acme, by_alice, by_sam):
        request = wait(acme, by_alice)
        for deed in (trial_request_start, trial_request_refuse):
            with pytest.raises(Invalid, match="Say why"):
                deed(request=request, actor=by_sam, reason=" ")

    def test_is_not_the_customer(self, acme, by_alice):
        request = wait(acme, by_alice)
        for deed in (trial_request_start, trial_request_refuse):
            with pytest.raises(Forbidden, match="Only somebody of ours"):
                deed(request=request, actor=by_alice, reason="Please.")

    def test_decides_once(self, acme, by_alice, by_sam):
        request = wait(acme, by_alice)
        trial_request_refuse(request=request, actor=by_sam, reason="A competitor.")
        for deed in (trial_request_start, trial_request_refuse):
            with pytest.raises(Conflict, match=r"is refused|closed"):
                deed(request=request, actor=by_sam, reason="Again.")
