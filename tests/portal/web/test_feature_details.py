"""How people tell what a feature needs to know, before it is switched on and later."""

import pytest

from billing.models import Feature, Grant, OptIn, Subscription
from portal.core.models import AuditEvent
from provisioning.models import Cluster, Instance, Operation
from tests.billing.mirror import subscribe
from tests.portal.web.test_features import listed, page, said

HERE, ELSEWHERE = "203.0.113.9", "198.51.100.7"


@pytest.fixture
def customers(running, ada) -> Instance:
    """Acme may have an allow list."""
    subscribe(running, {"business-month-usd-1": 50})
    Instance.objects.update(kind="production", trial_ends_at=None)
    Grant.objects.create(instance=running, feature_id="allow-list", granted_by=ada, reason="A pilot.")
    return Instance.objects.get()


@pytest.fixture
def told(alices, customers) -> OptIn:
    """The list is wanted, for the office."""
    tell(alices, customers, "203.0.113.0/24")
    return OptIn.objects.get()


def tell(browser, instance, addresses: str, deed: str = "switch on", came_from: str = HERE, **more: str):
    form = {"deed": deed, "addresses": addresses, **more}
    return browser.post(page(instance, "allow-list"), form, follow=True, REMOTE_ADDR=came_from)


def told_event() -> AuditEvent:
    return AuditEvent.objects.get(action="feature.tell")


def test_consequences_and_the_question_stand_on_one_page(alices, customers):
    shown = said(alices.get(page(customers, "allow-list")))
    assert "whoever comes from elsewhere is shut out" in shown
    assert shown.index("shut out, programs included") < shown.index("Addresses that are let in")
    assert "198.51.100.7 or 203.0.113.0/24" in shown
    assert "I know, and reach it" not in shown


def test_telling_is_a_wish_with_details(alices, alice, customers):
    answer = tell(alices, customers, "203.0.113.0/24,\n 2001:db8:1::/48")
    assert "Address allow list is being switched on." in said(answer)
    wish = OptIn.objects.get()
    assert (wish.opted_in_by, wish.details) == (alice, {"addresses": ["203.0.113.0/24", "2001:db8:1::/48"]})
    assert AuditEvent.objects.get(action="feature.opt-in").details["details"] == wish.details


def test_what_cannot_be_stands_at_its_field_and_nothing_is_wanted(alices, customers):
    shown = said(tell(alices, customers, "192.168.0.0/16"))
    assert 'id="id_addresses_error"' in shown
    assert "private or reserved range" in shown
    assert "192.168.0.0/16</textarea>" in shown
    assert not OptIn.objects.exists()


def test_who_would_be_shut_out_is_told_and_has_to_say_that_they_know(alices, customers):
    shown = said(tell(alices, customers, "203.0.113.0/24", came_from=ELSEWHERE))
    assert "You are at 198.51.100.7, which would be shut out." in shown
    assert "I know, and reach it" in shown
    assert not OptIn.objects.exists()
    tell(alices, customers, "203.0.113.0/24", came_from=ELSEWHERE, despite="on")
    assert OptIn.objects.get().details == {"addresses": ["203.0.113.0/24"]}


def test_what_was_told_is_shown_and_can_be_changed(alices, customers, told):
    assert "203.0.113.0/24" in said(alices.get(listed(customers)))
    first = said(alices.get(page(customers, "allow-list")))
    assert "Switch it off" in first
    assert "?do=change%20details" in first
    shown = said(alices.get(page(customers, "allow-list") + "?do=change%20details"))
    assert "takes the place of what you have told us before" in shown
    assert "203.0.113.0/24</textarea>" in shown
    answer = tell(alices, customers, "198.51.100.0/24", "change details", came_from=ELSEWHERE)
    assert "Address allow list is being changed." in said(answer)
    assert OptIn.objects.get().details == {"addresses": ["198.51.100.0/24"]}
    assert told_event().details == {
        "feature": "allow-list",
        "from": {"addresses": ["203.0.113.0/24"]},
        "to": {"addresses": ["198.51.100.0/24"]},
    }


def test_the_same_once_more_is_said_to_be_the_same(alices, customers, told):
    assert "what you have told us already" in said(tell(alices, customers, "203.0.113.0/24", "change details"))
    assert not AuditEvent.objects.filter(action="feature.tell").exists()


def test_it_is_switched_off_like_any_other(alices, customers, told):
    answer = alices.post(page(customers, "allow-list"), {"deed": "switch off"}, follow=True)
    assert "Address allow list is being switched off." in said(answer)
    assert not OptIn.objects.exists()


def test_what_was_bought_waits_for_what_it_has_to_know(alices, customers):
    OptIn.objects.create(instance=customers, feature=Feature.objects.get(pk="allow-list"))
    shown = said(alices.get(listed(customers)))
    assert "Waits for you" in shown
    assert "switched on once you have told us which addresses are let in" in shown
    answer = tell(alices, customers, "203.0.113.0/24", "tell us")
    assert "Address allow list is being switched on." in said(answer)
    assert told_event().details["from"] == {}


def test_what_was_bought_can_be_stopped_without_ever_telling(alices, customers):
    Grant.objects.all().delete()
    price = "allow-list-month-usd-1"
    Subscription.objects.get().items.create(stripe_id="si_list", price_id=price, quantity=1)
    OptIn.objects.create(instance=customers, feature=Feature.objects.get(pk="allow-list"))
    first = said(alices.get(page(customers, "allow-list")))
    assert "Addresses that are let in" in first
    assert "?do=stop%20at%20renewal" in first
    second = said(alices.get(page(customers, "allow-list") + "?do=stop%20at%20renewal"))
    assert "It stays on until 1 January 2027" in second
    assert "Addresses that are let in" not in second


class TestPrivateConnectivity:
    ATTACHMENT = "projects/acme-network/regions/europe-west3/serviceAttachments/git"

    @pytest.fixture
    def entitled(self, customers: Instance, ada) -> Instance:
        Grant.objects.create(instance=customers, feature_id="private-connectivity", granted_by=ada, reason="A pilot.")
        return customers

    def ask(self, browser, instance, **told: str):
        form = {"deed": "switch on", "service_attachment": self.ATTACHMENT, "host": "git.acme.internal"}
        return browser.post(page(instance, "private-connectivity"), {**form, **told}, follow=True)

    def test_is_told_in_two_fields(self, alices, entitled):
        self.ask(alices, entitled)
        assert OptIn.objects.get().details == {
            "service_attachment": self.ATTACHMENT,
            "host": "git.acme.internal",
        }

    def test_says_at_each_field_what_is_wrong_with_it(self, alices, entitled):
        elsewhere = self.ATTACHMENT.replace("europe-west3", "us-central1")
        shown = said(self.ask(alices, entitled, service_attachment=elsewhere, host="git"))
        assert "The instance is in europe-west3, and the service attachment in us-central1." in shown
        assert "a host name with a dot in it" in shown
        assert {'id="id_service_attachment_error"', 'id="id_host_error"'} <= set(shown.replace(">", " ").split())
        assert not OptIn.objects.exists()

    @pytest.mark.parametrize(
        ("status", "says"),
        [
            ("PENDING", "They have to accept the project"),
            ("ACCEPTED", "Your network lets the instance in."),
            ("REJECTED", "ask them to move it to the accepted ones"),
            ("CLOSED", "have it published anew"),
            ("NEEDS_ATTENTION", "the service behind it is not ready"),
        ],
    )
    def test_shows_how_the_other_side_has_answered_and_what_to_do(self, alices, entitled, status, says):
        self.ask(alices, entitled)
        Instance.objects.update(connection_status=status)
        assert says in said(alices.get(listed(entitled)))
        assert says in said(alices.get(page(entitled, "private-connectivity")))


def test_what_was_taken_back_says_what_can_be_done(alices, customers, told):
    assert "was taken back" not in said(alices.get(page(customers, "allow-list")))
    Operation.objects.create(instance=customers, kind="apply-features", status="undone", wanted={})
    assert "The last change of your features was taken back" in said(alices.get(listed(customers)))
    assert "Check what you have told us" in said(alices.get(page(customers, "allow-list")))


def test_on_a_cluster_of_ones_own_it_is_not_possible(alices, alice, acme, customers):
    brought = {"organization": acme, "name": "ours", "server": "https://k8s.acme.example", "created_by": alice}
    cluster = Cluster.objects.create(**brought, kubeconfig_encrypted=b"")
    Instance.objects.update(tenancy="byok", cluster=cluster)
    assert "the instance runs on a cluster of your own" in said(alices.get(page(customers, "allow-list")))


def test_the_desk_sees_what_they_have_told(client, sam, customers, told):
    client.force_login(sam)
    answer = client.get(f"/desk/customers/{customers.organization_id}/")
    assert "203.0.113.0/24" in said(answer)
