"""A name of their own on the feature's page: told, shown which record to set, seen by itself, put on, switched off."""

from datetime import timedelta

import pytest
from django.db.models import QuerySet

from billing.models import Grant, OptIn
from billing.selectors.entitlements import wanted_features
from billing.services.upkeep import upkeep_ask, upkeep_go_on
from portal.core import clock
from provisioning.models import CustomDomain, Instance, Operation
from tests.billing.mirror import subscribe
from tests.portal.web.test_features import listed, page, said

NAME = "code.acme.com"


@pytest.fixture
def entitled(running, ada) -> Instance:
    subscribe(running, {"business-month-usd-1": 50})
    Instance.objects.update(kind="production", trial_ends_at=None)
    Grant.objects.create(instance=running, feature_id="custom-domain", granted_by=ada, reason="A pilot.")
    found: Instance = Instance.objects.get()
    return found


@pytest.fixture
def told(alices, entitled: Instance) -> Instance:
    tell(alices, entitled, NAME)
    return entitled


def tell(browser, instance: Instance, name: str, deed: str = "switch on"):
    return browser.post(page(instance, "custom-domain"), {"deed": deed, "name": name}, follow=True)


def see(state: str, **fields) -> None:
    """As the worker writes it down."""
    proved = {"proved_at": clock.now()} if state == "here" else {}
    CustomDomain.objects.update(state=state, looked_at=clock.now(), **proved, **fields)


def changes() -> QuerySet[Operation]:
    return Operation.objects.filter(kind="apply-features")


def look_after(instance: Instance) -> None:
    upkeep_ask(Instance.objects.filter(pk=instance.pk))
    upkeep_go_on()


def put_on(instance: Instance, name: str = NAME) -> None:
    [feature] = [each for each in wanted_features(instance, clock.now()) if each.name == "custom-domain"]
    changes().delete()
    Instance.objects.update(features=[{**feature.as_json(), "details": {"name": name}}])
    instance.refresh_from_db()


def test_what_it_breaks_is_said_before_anybody_agrees(alices, entitled):
    shown = said(alices.get(page(entitled, "custom-domain")))
    assert "Single sign-on, webhooks and links break until a site admin has told them the other name." in shown
    assert "The name of now works on beside it." in shown


def test_the_record_to_set_is_shown_and_nothing_is_changed_before_it_is_seen(alices, entitled):
    shown = said(tell(alices, entitled, "Code.Acme.COM."))
    assert "Now set the record that is shown here." in shown
    assert f'data-copy="{NAME}"' in shown
    assert f'data-copy="{entitled.domain}"' in shown
    assert "Waits for you" in said(alices.get(listed(entitled)))
    look_after(entitled)
    assert not changes().exists()


def test_seen_it_is_switched_on_by_itself(alices, told):
    see("here")
    look_after(told)
    assert changes().get().wanted["features"][0]["details"] == {"name": NAME}
    assert "Google is issuing its certificate" in said(alices.get(page(told, "custom-domain")))


@pytest.mark.parametrize(
    ("state", "found", "says"),
    [
        ("unseen", "", "We look it up within seconds."),
        ("absent", "", "There is no record of code.acme.com yet."),
        ("elsewhere", "www.acme.com", "code.acme.com leads to www.acme.com. Put the record above in its place"),
        ("failing", "", "The name servers of code.acme.com do not answer as they should."),
        ("forbidden", "CAA of acme.com: letsencrypt.org", "its CAA records let others issue certificates, not Google"),
    ],
)
def test_what_was_seen_is_said_with_what_to_do(alices, told, state, found, says):
    see(state, found=found)
    shown = said(alices.get(page(told, "custom-domain")))
    assert says in shown
    assert 'hx-trigger="every 5s"' in shown


def test_a_look_can_be_asked_for_but_not_twice_at_once(alices, told):
    hour = timedelta(hours=1)
    CustomDomain.objects.update(asked_at=clock.now() - hour, due_at=clock.now() + hour)
    first = said(alices.post(page(told, "custom-domain") + "look/", follow=True))
    assert "It is being looked up just now." not in first
    assert CustomDomain.objects.filter(due_at__lte=clock.now()).exists()
    assert "It is being looked up just now." in said(alices.post(page(told, "custom-domain") + "look/", follow=True))


def test_members_only_see_it_and_strangers_do_not(client, told, bob, charlie):
    client.force_login(bob)
    assert client.post(page(told, "custom-domain") + "look/").status_code == 403
    client.force_login(charlie)
    assert client.post(page(told, "custom-domain") + "look/").status_code == 404


def test_a_name_that_another_has_stands_at_its_field(alices, told, acme):
    fields = {field.attname: getattr(told, field.attname) for field in Instance._meta.fields}
    other = Instance.objects.create(
        **{**fields, "id": "src-2", "slug": "other", "domain": "other.sourcegraph.localhost"}
    )
    CustomDomain.objects.update(instance=other)
    OptIn.objects.all().delete()
    shown = said(tell(alices, told, NAME))
    assert "code.acme.com is another instance" in shown
    assert 'id="id_name_error"' in shown


def test_another_name_leaves_the_first_on_until_it_leads_here(alices, told):
    see("here")
    put_on(told)
    tell(alices, told, "search.acme.com", "change details")
    look_after(told)
    assert not changes().exists()
    assert set(CustomDomain.objects.values_list("name", flat=True)) == {NAME, "search.acme.com"}
    see("here")
    look_after(told)
    assert changes().get().wanted["features"][0]["details"] == {"name": "search.acme.com"}


def test_a_name_that_is_on_stays_on_wherever_it_leads(alices, told):
    see("here")
    put_on(told)
    CustomDomain.objects.update(state="elsewhere", found="www.acme.com", lost_at=clock.now())
    look_after(told)
    assert not changes().exists()
    shown = said(alices.get(page(told, "custom-domain")))
    assert "Does not lead here" in shown


def test_links_lead_to_their_name_once_it_is_on(alices, told):
    see("here")
    put_on(told)
    shown = alices.get(f"/instances/{told.pk}/").content.decode()
    assert f'href="https://{NAME}"' in shown
    assert f"and {told.domain}" in said(alices.get(f"/instances/{told.pk}/"))


def test_who_deletes_the_instance_is_told_of_the_record(alices, told):
    see("here")
    put_on(told)
    assert "remove its record from your DNS afterwards" in said(alices.get(f"/instances/{told.pk}/delete/"))


def test_the_desk_sees_that_it_waits(client, sam, told):
    client.force_login(sam)
    shown = said(client.get(f"/desk/customers/{told.organization_id}/"))
    assert "waits for its record in the DNS" in shown


def test_switched_off_it_is_looked_up_no_more_and_stays_theirs(alices, told):
    see("here")
    alices.post(page(told, "custom-domain"), {"deed": "switch off"})
    look_after(told)
    assert CustomDomain.objects.get().due_at is None
