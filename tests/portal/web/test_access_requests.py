"""A customer decides who of us may look into their instance, and sees what was looked at."""

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse

from portal.core.audit import Actor, record
from portal.core.mail import send_due
from portal.core.models import AuditEvent
from provisioning.models import Access, Cluster, Instance
from provisioning.services.access import access_break_glass, access_grant, access_refuse
from tests.conftest import person
from tests.portal.web.test_queries import queries
from tests.provisioning.services.asking import asked

WHO, WHY = "ada@portal.example", "Search is slow."


@pytest.fixture
def access(running, by_ada) -> Access:
    """Ada has asked to look into acme's instance."""
    return asked(running, by_ada)


@pytest.fixture
def by_grace(db) -> Actor:
    grace = person("grace@portal.example", name="Grace Glass", is_staff=True)
    return Actor(grace, grace.email)


def page(instance: Instance) -> str:
    return reverse("instance_access", args=[instance.pk])


def answer(access: Access, deed: str) -> str:
    return reverse("access_answer", args=[access.instance_id, access.pk, deed])


def text(browser: Client, address: str) -> str:
    found = browser.get(address, follow=True)
    assert found.status_code == 200
    return str(found.content.decode())


def state(access: Access) -> str:
    access.refresh_from_db()
    return access.state


def test_nobody_can_look_says_the_page_at_first(alices, running):
    assert "Nobody of ours can look into this instance" in text(alices, page(running))
    assert page(running) in text(alices, reverse("instance_detail", args=[running.pk]))


def test_the_mail_leads_to_where_one_agrees_and_opening_it_changes_nothing(alices, access):
    send_due()
    [letter] = outbox.outbox
    link = next(word for word in letter.body.split() if "/access/" in word)
    path = link[link.index("/instances/") :].partition("#")
    shown = text(alices, path[0])
    assert f'id="{path[2]}"' in shown
    for words in (WHO, WHY, "SUP-7", "60 minutes", answer(access, "grant"), answer(access, "refuse")):
        assert words in shown
    assert state(access) == "asked"


def test_without_logging_in_there_is_only_the_log_in(access):
    browser = Client()
    assert "/accounts/login/" in browser.get(page(access.instance))["Location"]
    assert "/accounts/login/" in browser.post(answer(access, "grant"))["Location"]
    assert state(access) == "asked"


def test_the_instances_page_says_that_somebody_asks(alices, access, by_alice):
    front = reverse("instance_detail", args=[access.instance_id])
    shown = text(alices, front)
    assert f"{WHO} of ours asks to look" in shown
    assert WHY in shown
    access_refuse(access=access, actor=by_alice)
    assert WHY not in text(alices, front)


def test_they_agree_and_end_it(alices, alice, access):
    shown = alices.post(answer(access, "grant"), {"reason": "Go on."}, follow=True).content.decode()
    assert f"{WHO} may look for 60 minutes" in shown
    assert "End it now" in shown
    assert "Go on." in shown
    assert (state(access), access.decided_by) == ("granted", alice)
    shown = alices.post(answer(access, "end"), {"reason": ""}, follow=True).content.decode()
    assert "It is over." in shown
    assert "Ended by alice@acme.example" in shown
    assert (state(access), access.ended_by) == ("ended", alice)


def test_they_refuse_and_a_second_click_says_why_not(alices, access):
    assert "Refused." in alices.post(answer(access, "refuse"), {"reason": ""}, follow=True).content.decode()
    shown = alices.post(answer(access, "grant"), {"reason": ""}, follow=True).content.decode()
    assert "not waiting for an answer any more" in shown
    assert state(access) == "refused"


@pytest.mark.parametrize("deed", ["grant", "refuse", "end"])
def test_nothing_changes_by_looking_at_an_address(alices, access, deed):
    assert alices.get(answer(access, deed)).status_code == 405
    assert state(access) == "asked"


def test_the_enter_key_never_agrees(alices, access):
    """The first button of a form is what the enter key means."""
    form = text(alices, page(access.instance)).split(f'action="{answer(access, "end")}"')[1]
    assert form.index(answer(access, "refuse")) < form.index(answer(access, "grant"))


@pytest.mark.parametrize("deed", ["grant", "refuse", "end"])
def test_members_see_it_and_decide_nothing(bobs, access, deed):
    shown = text(bobs, page(access.instance))
    assert WHO in shown
    assert answer(access, deed) not in shown
    assert bobs.post(answer(access, deed), {"reason": ""}).status_code == 403
    assert state(access) == "asked"


@pytest.mark.parametrize("deed", ["grant", "refuse", "end"])
def test_strangers_find_nothing(charlies, access, deed):
    assert charlies.get(page(access.instance)).status_code == 404
    assert charlies.post(answer(access, deed), {"reason": ""}).status_code == 404
    assert state(access) == "asked"


def test_one_is_not_reached_by_the_way_of_another_instance(charlies, access, globex, charlie, catalogue):
    other = Instance.objects.create(
        organization=globex,
        slug="globex",
        domain="globex.example",
        kind="production",
        size=access.instance.size,
        release=access.instance.release,
        admin_email=charlie.email,
        created_by=charlie,
    )
    assert charlies.post(reverse("access_answer", args=[other.pk, access.pk, "grant"])).status_code == 404
    assert alike(charlies, other) == 200
    assert state(access) == "asked"


def alike(browser: Client, instance: Instance) -> int:
    return int(browser.get(page(instance)).status_code)


def test_an_unknown_deed_is_not_found(alices, access):
    assert alices.post(answer(access, "bless"), {"reason": ""}).status_code == 404


def test_a_broken_glass_says_who_agreed_and_why(alices, access, by_grace):
    access_break_glass(access=access, actor=by_grace, reason="They are down.")
    shown = text(alices, page(access.instance))
    for words in ("grace@portal.example", "a second one of us", "They are down.", "End it now"):
        assert words in shown


def test_each_look_is_listed_with_what_was_looked_at(alices, access, by_alice, by_ada, acme):
    access_grant(access=access, actor=by_alice)
    for details in ({"what": "pods"}, {"what": "log", "pod": "frontend-1", "container": "frontend"}):
        record("access.look", access, organization_id=acme.pk, actor=by_ada, details=details)
    shown = text(alices, page(access.instance))
    for words in ("2 looks", "the pods", "the log of frontend-1, container frontend"):
        assert words in shown


def test_the_audit_tells_who_asked_and_why(alices, access):
    shown = text(alices, "/organization/audit/")
    assert AuditEvent.objects.filter(action="access.ask").count() == 1
    for words in ("access.ask", WHO, WHY):
        assert words in shown


def test_a_brought_cluster_is_not_looked_into(alices, running, acme, alice):
    cluster = Cluster.objects.create(
        name="b", organization=acme, server="https://b.example", kubeconfig_encrypted=b"", created_by=alice
    )
    Instance.objects.update(tenancy="byok", cluster=cluster)
    shown = text(alices, reverse("instance_detail", args=[running.pk]))
    assert "We look into it only where you show us" in shown
    assert page(running) not in shown


def test_it_takes_the_same_queries_however_much_there_was(alices, access, running, by_alice, by_ada):
    access_refuse(access=access, actor=by_alice)
    few = queries(alices, page(running))
    for _ in range(8):
        access_refuse(access=asked(running, by_ada), actor=by_alice)
    assert queries(alices, page(running)) == few <= 16
