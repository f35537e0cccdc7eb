"""What holds for every page: nothing inline, a strict policy, our own error pages."""

import re

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from provisioning.services import plan_request
from tests.conftest import PASSWORD
from tests.portal.web.watching import deleted, page_of
from tests.provisioning.admin.surveying import looked

OPEN = (
    "/", "/welcome/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/",
    "/accounts/password/reset/done/", "/accounts/confirm-email/", "/accounts/confirm-email/no-such-key/",
    "/accounts/password/reset/key/1-no-such-key/", "/accounts/inactive/", "/no/such/page/",
)  # fmt: skip
MEMBERS = (
    "/instances/", "/instances/?show=deleted", "/instances/new/", "/instances/new/name/?slug=admin", "/instances/rows/",
    "/organization/", "/organization/members/", "/organization/tokens/", "/account/", "/account/close/",
    "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/2fa/webauthn/",
    "/accounts/sessions/", "/accounts/logout/", "/accounts/reauthenticate/", "/styleguide/",
)  # fmt: skip
INLINE = re.compile(r'<script(?![^>]*\bsrc=)(?![^>]*type="application/json")|<style|\sstyle=|\son\w+="|javascript:')


def check(client, page):
    answer = client.get(page)
    assert answer.status_code in {200, 286, 404}, page
    assert not INLINE.search(answer.content.decode()), page
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", OPEN)
def test_a_page_for_strangers_has_nothing_inline(db, page):
    check(Client(), page)


@pytest.mark.parametrize("page", MEMBERS)
def test_a_page_for_members_has_nothing_inline(alices, coming_up, settings, page):
    settings.DEMO = True
    check(alices, page)


def test_the_pages_of_an_instance_have_nothing_inline(alices, running, setup):
    for page in (
        reverse("instance_detail", args=[running.pk]),
        reverse("instance_delete", args=[running.pk]),
        reverse("instance_updates", args=[running.pk]),
        reverse("instance_subscription", args=[running.pk]),
        *(page_of(setup, name) for name in ("operation_detail", "operation_fragment", "operation_summary")),
    ):
        check(alices, page)


def test_the_pages_of_its_deletion_have_nothing_inline(alices, running, by_alice):
    survey = looked(plan_request(instance=running, kind="teardown", actor=by_alice))
    check(alices, f"{reverse('instance_delete', args=[running.pk])}?plan={survey.pk}")
    check(alices, reverse("deletion_plan", args=[running.pk, survey.pk]))
    check(alices, page_of(deleted(running, by_alice)))
    check(alices, reverse("certificate", args=[running.pk]))


def test_the_way_to_a_second_factor_has_nothing_inline(client, alice):
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    check(client, "/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for page in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        check(client, page)


def test_the_style_guide_is_not_for_customers(alices, browser_of, ada, settings):
    settings.DEMO = settings.DEBUG = False
    assert alices.get("/styleguide/").status_code == 404
    assert browser_of(ada).get("/styleguide/").status_code == 200


def test_an_unknown_page_is_ours(client, db):
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_a_form_without_its_token_gets_a_sentence(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/organization/new/", {"name": "Acme"})
    assert answer.status_code == 403
    assert "open too long" in answer.content.decode()


def test_a_broken_page_says_so(alices, monkeypatch):
    def breaks(*_):
        raise RuntimeError

    monkeypatch.setattr("portal.web.views.organizations.render", breaks)
    alices.raise_request_exception = False
    answer = alices.get("/organization/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


@pytest.mark.parametrize(("cookie", "expected"), [("dark", 'data-theme="dark"'), ("x", '<html lang="en">')])
def test_the_theme_is_rendered_into_the_page(client, db, cookie, expected):
    client.cookies["theme"] = cookie
    assert expected in client.get("/").content.decode()


def test_the_adapter_and_the_form_are_ours():
    assert django_settings.ACCOUNT_ADAPTER == "portal.web.accounts.AccountAdapter"
