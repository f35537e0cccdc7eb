"""Waiting for a trial: the place is shown, the wish can be changed, and one can withdraw."""

import pytest

from billing.models import TrialPolicy, TrialRequest
from billing.services.waiting_list import trial_request_refuse, waiting_list_drain
from portal.core import clock
from provisioning.models import Instance
from tests.portal.web.test_queries import queries

WISH = {"slug": "acme", "region": "europe-west3"}
WITHDRAW = "/instances/waiting/withdraw/"


@pytest.fixture
def full(catalogue) -> None:
    """There is no room for another trial."""
    TrialPolicy.objects.update(most_running=0)


@pytest.fixture
def waiting(full, alices) -> TrialRequest:
    """Acme waits."""
    assert alices.post("/instances/new/", WISH).headers["Location"] == "/instances/"
    return TrialRequest.objects.get()


def test_who_finds_no_room_sees_the_place_and_what_happens_next(alices, waiting):
    page = alices.get("/instances/").content.decode()
    assert "You are number 1 on the waiting list" in page
    assert "Yours starts by itself when it is your turn" in page
    assert "Alice Archer gets a mail when it is ready" in page
    assert WITHDRAW in page
    assert "Start your trial" not in page
    assert not Instance.objects.exists()


def test_home_shows_it_too(alices, waiting):
    assert "You are number 1 on the waiting list" in alices.get("/").content.decode()


def test_a_colleague_sees_it_and_may_not_withdraw(bobs, waiting):
    page = bobs.get("/instances/").content.decode()
    assert "You are number 1 on the waiting list" in page
    assert WITHDRAW not in page
    assert 'aria-disabled="true"' in bobs.get(WITHDRAW).content.decode()
    assert bobs.post(WITHDRAW).status_code == 403


def test_others_see_nothing_of_it(charlies, waiting):
    assert "waiting list" not in charlies.get("/instances/").content.decode()
    charlies.post(WITHDRAW)
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_each_sees_their_own_place(charlies, waiting):
    charlies.post("/instances/new/", {**WISH, "slug": "globex"})
    assert "You are number 2 on the waiting list" in charlies.get("/instances/").content.decode()


def test_name_and_region_can_be_changed_meanwhile(alices, waiting):
    page = alices.get("/instances/new/").content.decode()
    assert "keep your place" in page
    assert 'value="europe-west3" id="id_region_1" required checked' in page
    assert alices.post("/instances/new/", {"slug": "other", "region": "us-central1"}).status_code == 302
    waiting.refresh_from_db()
    assert (waiting.slug, waiting.region) == ("other", "us-central1")


def test_whose_name_is_gone_is_asked_for_another(alices, waiting):
    TrialRequest.objects.update(note="“acme” is taken. Try another name.")
    page = alices.get("/instances/").content.decode()
    assert "“acme” is taken. Try another name." in page
    assert "Choose another name" in page
    assert "is taken" in alices.get("/instances/new/").content.decode()


def test_withdrawing_is_confirmed_and_gives_the_place_up(alices, waiting):
    assert "that place is gone" in alices.get(WITHDRAW).content.decode()
    page = alices.post(WITHDRAW, follow=True).content.decode()
    assert "waits no longer" in page
    assert "You are number" not in page
    assert "Start your trial" in page


def test_withdrawing_twice_leads_to_what_there_is(alices, waiting):
    for _ in range(2):
        assert alices.post(WITHDRAW).headers["Location"] == "/instances/"


def test_what_has_started_is_an_instance_and_no_place(alices, waiting):
    TrialPolicy.objects.update(most_running=1)
    waiting_list_drain()
    page = alices.get("/").content.decode()
    assert "You are number" not in page
    assert "Coming up" in page


def test_who_was_refused_is_told_to_talk_to_us(alices, waiting, by_ada):
    trial_request_refuse(request=waiting, actor=by_ada, reason="A competitor.")
    page = alices.get("/instances/new/").content.decode()
    assert "We could not give your organization a trial. Talk to us" in page
    assert "competitor" not in page
    assert "could not give" in alices.post("/instances/new/", WISH).content.decode()


def test_whose_colleague_has_had_one_is_told_so_without_a_name(charlies, globex, running):
    globex.email_domain = "acme.example"
    globex.save()
    page = charlies.get("/instances/new/").content.decode()
    assert "Somebody at acme.example has had a trial already. Ask your colleagues, or talk to us." in page
    assert "Alice" not in page


def test_a_trial_that_never_ran_is_not_in_the_way(alices, coming_up):
    Instance.objects.update(status="deleted", deleted_at=clock.now())
    assert "Start the trial" in alices.get("/instances/new/").content.decode()


def test_waiting_costs_one_query_more(alices, waiting):
    few = queries(alices, "/instances/")
    TrialRequest.objects.update(state="withdrawn", decided_at=clock.now())
    assert queries(alices, "/instances/") == few - 1
