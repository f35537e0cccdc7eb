"""Whoever closed the browser half-way lands at the next missing step."""

from django.test import Client

from portal.core.models import Membership, Organization
from tests.conftest import person


def test_a_stranger_sees_what_this_is(client, db):
    assert "Start a free trial" in client.get("/").content.decode()


def test_a_person_without_an_organization_names_it(browser_of, db):
    assert browser_of(person("gina@initech.example")).get("/").headers["Location"] == "/organization/new/"


def test_every_page_of_members_leads_there_too(browser_of, db):
    gina = browser_of(person("gina@initech.example"))
    for page in ("/instances/", "/organization/members/", "/organization/tokens/", "/instances/new/"):
        assert gina.get(page).headers["Location"] == "/organization/new/"


def test_an_owner_without_an_instance_starts_one(alices):
    assert alices.get("/").headers["Location"] == "/instances/new/"


def test_a_member_who_may_not_start_one_sees_the_list(bobs):
    assert "An owner or an admin of your organization can start one" in bobs.get("/").content.decode()


def test_an_owner_with_an_instance_sees_it(alices, coming_up):
    assert "Coming up" in alices.get("/").content.decode()


def test_naming_the_organization_leads_to_the_instance(browser_of, db):
    gina = browser_of(person("gina@initech.example"))
    answer = gina.post("/organization/new/", {"name": "Initech"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/instances/new/"
    assert Organization.objects.get().email_domain == "initech.example"


def test_naming_it_twice_does_no_harm(browser_of, db):
    gina = browser_of(person("gina@initech.example"))
    for _ in range(2):
        assert gina.post("/organization/new/", {"name": "Initech"}).headers["Location"] == "/"
    assert Membership.objects.count() == 1


def test_an_empty_name_is_refused_at_its_field(browser_of, db):
    gina = browser_of(person("gina@initech.example"))
    assert 'aria-invalid="true"' in gina.post("/organization/new/", {"name": "  "}).content.decode()


def test_a_stranger_is_asked_to_log_in(db):
    for page in ("/instances/", "/account/", "/organization/new/", "/instances/src-1/"):
        assert Client().get(page).headers["Location"].startswith("/accounts/login/?next=/")
