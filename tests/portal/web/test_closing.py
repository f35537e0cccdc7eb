"""The page on which a person closes their account."""

from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD


def test_it_is_closed_once_the_address_is_typed(alices, alice):
    page = reverse("account_close")
    assert "to confirm" in alices.post(page, {"confirmation": "no"}).content.decode()
    answer = alices.post(page, {"confirmation": alice.email}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("account_login")
    assert "Your account is closed." in answer.content.decode()
    assert alices.get(reverse("account")).status_code == 302
    Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert alices.get(reverse("account")).status_code == 302


def test_what_stands_in_the_way_is_said_before(alices, coming_up):
    shown = alices.get(reverse("account_close")).content.decode()
    assert "You are the only one who looks after “acme”" in shown
    assert "data-refused" in shown


def test_it_is_found_from_the_profile(alices):
    assert reverse("account_close") in alices.get(reverse("account")).content.decode()


def test_a_stranger_logs_in_first(client, db):
    assert client.get(reverse("account_close")).headers["Location"].startswith("/accounts/login/")
