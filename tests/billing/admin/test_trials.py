"""The waiting list, the policy, extensions and allowances in the admin: buttons that ask for a reason."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import TrialAllowance, TrialExtension, TrialPolicy, TrialRequest
from billing.services.upkeep import upkeep_complete
from billing.services.waiting_list import trial_ask
from portal.core import clock
from portal.core.audit import Actor
from portal.core.models import AuditEvent, Organization, Role
from provisioning.models import Instance, Size
from tests.conftest import SUSPENDED, member
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db
REQUESTS, POLICIES, EXTENSIONS = (listing(f"billing_trial{model}") for model in ("request", "policy", "extension"))


@pytest.fixture
def adas(ada, catalogue) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def policy(catalogue) -> TrialPolicy:
    return TrialPolicy.objects.get()


@pytest.fixture
def waiting(policy, acme, by_alice) -> TrialRequest:
    """Acme waits, for there is no room for anybody."""
    TrialPolicy.objects.update(most_running=0)
    trial_ask(organization=acme, slug="acme", region="us-central1", actor=by_alice)
    return TrialRequest.objects.get()


@pytest.fixture
def running(trial: Instance) -> Instance:
    Size.objects.filter(pk="xs").update(infrastructure_cents=31_300)
    Instance.objects.update(status="running", ready_at=clock.now())
    upkeep_complete()
    return trial


class TestTheWaitingList:
    def test_says_who_waits_for_what(self, adas, waiting):
        shown = text(adas, REQUESTS)
        assert "Acme" in shown
        assert "alice@acme.example" in shown or "Alice Archer" in shown
        assert "waiting" in text(adas, page(waiting))

    def test_takes_as_many_queries_for_one_as_for_many(self, adas, waiting):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                text(adas, REQUESTS)
            return len(captured)

        few = queries()
        for number in range(7):
            organization = Organization.objects.create(name=f"N{number}", slug=f"n{number}", email_domain="n.example")
            asker = member(organization, f"n{number}@n.example", Role.OWNER, "N")
            trial_ask(organization=organization, slug=f"nnn{number}", region="us-central1", actor=Actor(asker, "n"))
        assert queries() == few

    def test_shows_before_a_start_that_there_is_no_room(self, adas, waiting):
        shown = text(adas, page(waiting, "deed", "start"))
        assert "0 of at most 0 trials run. This one is beyond that." in shown

    def test_starts_one(self, adas, waiting, ada):
        assert do(adas, waiting, "start", reason="A large account.")["Location"] == page(waiting)
        assert Instance.objects.get().slug == "acme"
        assert AuditEvent.objects.get(action="trial.start").actor == ada
        assert "/do/start/" not in text(adas, page(waiting))

    def test_says_why_one_cannot_start(self, adas, ada, waiting):
        ada.is_superuser = False
        ada.save()
        assert "Ask a sales manager" in do(adas, waiting, "start", reason="Please.").content.decode()
        assert not Instance.objects.exists()

    def test_refuses_one(self, adas, waiting):
        assert "This field is required" in do(adas, waiting, "refuse").content.decode()
        do(adas, waiting, "refuse", reason="A competitor.")
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason) == ("refused", "A competitor.")

    def test_is_not_edited_by_hand(self, adas, waiting):
        assert adas.post(page(waiting), {"state": "started"}).status_code == 403
        assert adas.get(f"{REQUESTS}add/").status_code == 403


class TestThePolicy:
    def test_shows_the_caps_and_how_full_they_are(self, adas, policy, running):
        shown = text(adas, page(policy))
        assert "1 of 100" in shown
        assert "313.00 USD of 50,000.00 USD" in shown
        assert "1 of 100" in text(adas, POLICIES)

    def test_is_changed_by_a_button_with_a_reason(self, adas, ada, policy):
        assert 'value="100"' in text(adas, page(policy, "deed", "set"))
        do(adas, policy, "set", most_running=120, most_cents_a_month=6_000_000, reason="More are coming.")
        policy.refresh_from_db()
        assert (policy.most_running, policy.most_cents_a_month, policy.is_open) == (120, 6_000_000, False)
        event = AuditEvent.objects.get(action="trialpolicy.change")
        assert (event.actor, event.reason) == (ada, "More are coming.")

    def test_is_one_and_stays(self, adas, policy):
        assert adas.get(f"{POLICIES}add/").status_code == 403
        assert adas.get(page(policy, "delete")).status_code == 403


class TestAnExtension:
    def test_shows_before_what_it_means(self, adas, running):
        shown = text(adas, page(running.upkeep, "deed", "extend"))
        for sentence in (
            "It goes on until 15 January 2027, in place of 1 January 2027",
            "14 days cost us 144.07 USD by list price.",
            "It was not extended before.",
        ):
            assert sentence in shown
        assert "It is resumed" not in shown

    def test_says_that_it_comes_back(self, adas, running):
        Instance.objects.update(**SUSPENDED)
        assert "It is resumed within minutes." in text(adas, page(running.upkeep, "deed", "extend"))

    def test_is_made_by_a_button_with_a_reason_and_listed(self, adas, ada, running):
        assert do(adas, running.upkeep, "extend", days=10, reason="A big team.")["Location"] == page(running.upkeep)
        made = TrialExtension.objects.get()
        assert (made.days, made.by, made.reason) == (10, ada, "A big team.")
        assert "A big team." in text(adas, EXTENSIONS)
        assert "It was extended 1 times before. A sales manager" in text(adas, page(running.upkeep, "deed", "extend"))

    @pytest.mark.parametrize("days", ["", "x", "-1", "400"])
    def test_by_no_number_of_days_stays_on_the_form(self, adas, running, days):
        assert do(adas, running.upkeep, "extend", days=days, reason="A big team.").status_code == 200
        assert not TrialExtension.objects.exists()

    def test_is_of_trials_alone(self, adas, running):
        Instance.objects.update(kind="production", trial_ends_at=None)
        assert "/do/extend/" not in text(adas, page(running.upkeep))


class TestAnAllowance:
    def test_is_given_on_the_organizations_page(self, adas, ada, running, acme):
        assert "/do/trial-allowance/" in text(adas, page(acme))
        refused = do(adas, acme, "trial-allowance", reason="Another team.").content.decode()
        assert "Extend that one" in refused
        Instance.objects.update(status="deleted", deleted_at=clock.now())
        do(adas, acme, "trial-allowance", reason="Another team.")
        made = TrialAllowance.objects.get()
        assert (made.organization, made.by) == (acme, ada)
        shown = text(adas, page(acme))
        assert "Another team." in shown
        assert "/do/trial-allowance/" not in shown
