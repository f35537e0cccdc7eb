"""From a stranger to a person with an account."""

import re

import pytest
from django.core import mail as outbox
from django.test import Client

from portal.core.mail import send_due
from portal.core.models import Mail, User
from tests.conftest import PASSWORD
from tests.portal.web.watching import letter

GINA = {"name": "Gina Green", "email": "gina@initech.example", "password1": "a rather long sentence"}


def sign_up(client: Client, **changes):
    return client.post("/accounts/signup/", {**GINA, **changes})


def test_signing_up_makes_a_person_and_queues_a_mail_with_the_link(client, db):
    answer = sign_up(client)
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert User.objects.get(email=GINA["email"]).name == "Gina Green"
    assert Mail.objects.get().kind == "verify-email"


def test_the_link_is_in_the_mail_and_never_in_the_database(client, db, settings):
    settings.PORTAL_URL = "https://portal.example"
    sign_up(client)
    mail = Mail.objects.get()
    link = letter(mail)["link"]
    assert link.startswith("https://portal.example/accounts/confirm-email/")
    assert link.rsplit("/", 2)[1] not in str(mail.context)


def test_following_the_link_logs_in_and_leads_to_naming_the_organization(client, db):
    sign_up(client)
    path = letter(Mail.objects.get())["link"].split("/", 3)[3]
    answer = client.get(f"/{path}", follow=True)
    assert answer.redirect_chain[-1][0] == "/organization/new/"


def test_a_link_that_was_used_says_so(client, db):
    sign_up(client)
    path = letter(Mail.objects.get())["link"].split("/", 3)[3]
    client.get(f"/{path}")
    assert "no longer good" in Client().get(f"/{path}").content.decode()


@pytest.mark.parametrize("address", ["gina@gmail.com", "gina@Mailinator.com", "gina@yahoo.co.uk"])
def test_a_free_mail_address_is_refused_with_a_sentence(client, db, address):
    answer = sign_up(client, email=address)
    assert "Use your work address" in answer.content.decode()
    assert not User.objects.exists()


def test_a_free_mail_address_will_do_where_the_rule_is_off(client, db, settings):
    settings.WORK_EMAIL_REQUIRED = False
    sign_up(client, email="gina@gmail.com")
    assert User.objects.filter(email="gina@gmail.com").exists()


def test_signing_up_twice_tells_the_owner_of_the_address_and_nobody_else(client, alice):
    answer = sign_up(client, email=alice.email)
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert Mail.objects.get().kind == "account-exists"


def test_nobody_logs_in_before_the_address_is_confirmed(client, db):
    sign_up(client)
    answer = Client().post("/accounts/login/", {"login": GINA["email"], "password": GINA["password1"]})
    assert answer.headers["Location"] == "/accounts/confirm-email/"


def test_a_member_logs_in_and_out(client, alice):
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert client.get("/organization/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/organization/").headers["Location"].startswith("/accounts/login/")


def test_a_forgotten_password_is_set_anew_by_the_mailed_link(client, alice):
    client.post("/accounts/password/reset/", {"email": alice.email})
    path = letter(Mail.objects.get(kind="password-reset"))["link"].split("/", 3)[3]
    form = client.get(f"/{path}", follow=True)
    set_at = form.redirect_chain[-1][0]
    client.post(set_at, {"password1": "another long sentence", "password2": "another long sentence"})
    alice.refresh_from_db()
    assert alice.check_password("another long sentence")
    assert Mail.objects.filter(kind="account-changed", recipient=alice.email).exists()


def test_asking_for_an_unknown_address_says_nothing_in_the_browser(client, db):
    answer = client.post("/accounts/password/reset/", {"email": "nobody@initech.example"})
    assert answer.headers["Location"] == "/accounts/password/reset/done/"
    assert Mail.objects.get().kind == "account-unknown"


def test_every_kind_of_account_mail_can_be_written(client, alice):
    sign_up(client)
    sign_up(Client(), email=alice.email)
    client.post("/accounts/password/reset/", {"email": alice.email})
    client.post("/accounts/password/reset/", {"email": "nobody@initech.example"})
    assert send_due() == 4
    for message in outbox.outbox:
        assert re.search(r"http://\S+", str(message.body))
        assert "<html" in str(message.message())


def test_a_mail_to_an_account_that_is_gone_is_not_sent(client, db):
    sign_up(client)
    User.objects.all().delete()
    assert send_due() == 0
    assert "removed" in Mail.objects.get().error


def test_a_person_renames_themselves(alices, alice):
    alices.post("/account/", {"name": "Alice Anders"})
    alice.refresh_from_db()
    assert alice.name == "Alice Anders"
