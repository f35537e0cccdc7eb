"""What a deletion removes and a trial makes is said before; and what a queued operation waits for."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from provisioning.engine.graph import OnFailure
from provisioning.engine.survey import Verdict
from provisioning.models import Operation, Survey, Tenancy
from provisioning.services import instance_delete, plan_request
from provisioning.workflows.teardown import TEARDOWN
from tests.portal.web.watching import page_of
from tests.provisioning.admin.surveying import drift, finding, looked
from tests.provisioning.engine.world import World, diamond, registered

STEPS = len(TEARDOWN.for_tenancy(Tenancy.DEDICATED))
HTMX = {"HX-Request": "true"}


def ask(browser, instance, *, htmx=True):
    return browser.post(reverse("deletion_plan_request", args=[instance.pk]), headers=HTMX if htmx else {})


def plan_page(survey) -> str:
    return reverse("deletion_plan", args=[survey.instance_id, survey.pk])


def test_the_deletion_page_asks_for_its_plan(alices, running):
    page = alices.get(reverse("instance_delete", args=[running.pk])).content.decode()
    assert f'hx-post="{reverse("deletion_plan_request", args=[running.pk])}" hx-trigger="load"' in page
    assert not Survey.objects.exists()


def test_the_plan_grows_until_it_is_done(alices, running):
    assert f"0 of {STEPS}" in ask(alices, running).content.decode()
    survey = looked(Survey.objects.get(), finding("dns", Verdict.STANDS), is_done=False)
    answer = alices.get(plan_page(survey))
    assert answer.status_code == 200
    assert f"1 of {STEPS}" in answer.content.decode()
    done = alices.get(plan_page(looked(survey, finding("backup-plan", Verdict.MISSING))))
    assert done.status_code == 286
    for words in (f"{STEPS - 2} object", "will be removed", "//cloud/database", "it takes", "1 not there already"):
        assert words in done.content.decode()


def test_the_plan_says_nothing_of_money_nor_of_downtime_nor_of_errors(alices, running):
    ask(alices, running)
    unclear = finding("cluster", Verdict.UNCLEAR, sentence="403 from billingAccounts/0X.")
    page = alices.get(plan_page(looked(Survey.objects.get(), unclear))).content.decode()
    assert "1 could not be looked at just now: The cluster" in page
    assert not any(word in page for word in ("USD", "owntime", "billingAccounts"))


def test_it_works_without_scripts(alices, running):
    answer = ask(alices, running, htmx=False)
    survey = Survey.objects.get()
    assert answer["Location"] == f"{reverse('instance_delete', args=[running.pk])}?plan={survey.pk}"
    page = alices.get(answer["Location"]).content.decode()
    assert f"0 of {STEPS}" in page
    assert "Look again" in page
    assert 'hx-trigger="load"' not in page


def test_a_refused_deletion_keeps_the_plan(alices, running):
    ask(alices, running)
    survey = looked(Survey.objects.get())
    page = reverse("instance_delete", args=[running.pk])
    answer = alices.post(page, {"confirmation": "acne", "plan": survey.pk}).content.decode()
    assert "Type “acme” to confirm" in answer
    assert "will be removed" in answer


def test_a_plain_member_asks_for_no_plan(bobs, running):
    assert "hx-post" not in bobs.get(reverse("instance_delete", args=[running.pk])).content.decode()
    assert ask(bobs, running).status_code == 403
    assert not Survey.objects.exists()


def test_a_strangers_plan_does_not_exist(alices, charlies, running):
    assert ask(charlies, running).status_code == 404
    ask(alices, running)
    assert charlies.get(plan_page(Survey.objects.get())).status_code == 404


def test_only_plans_of_its_deletion_are_shown(alices, running, by_alice):
    repair = plan_request(instance=running, kind="repair", actor=by_alice)
    for survey in (repair, drift(running)):
        assert alices.get(plan_page(survey)).status_code == 404
        assert (
            "//cloud"
            not in alices.get(reverse("instance_delete", args=[running.pk]), {"plan": survey.pk}).content.decode()
        )


def test_a_deleted_instance_has_no_plan_any_more(alices, running):
    running.status = "deleted"
    running.save()
    assert "deleted already" in ask(alices, running).content.decode()


def test_a_plan_takes_few_queries_however_much_it_finds(alices, running, by_alice):
    survey = plan_request(instance=running, kind="teardown", actor=by_alice)

    def queries() -> int:
        alices.get(plan_page(survey))
        with CaptureQueriesContext(connection) as captured:
            alices.get(plan_page(survey))
        return len(captured)

    few = queries()
    looked(survey)
    assert queries() == few <= 10


def test_a_new_trial_says_what_it_makes(alices, catalogue):
    page = alices.get("/instances/new/").content.decode()
    assert "What will be made, about " in page
    for title in ("Kubernetes cluster", "Database server", "Private network"):
        assert title in page
    assert "USD" not in page


@pytest.fixture
def queued(coming_up, by_alice) -> Operation:
    """The deletion of a trial that is still being built."""
    operation = instance_delete(instance=coming_up, confirmation="acme", actor=by_alice)
    Operation.objects.filter(pk=coming_up.operations.get(kind="provision").pk).update(status="cancelled")
    Operation.objects.filter(pk=operation.pk).update(
        status="queued", waiting_for="a place among those that run", started_at=None
    )
    operation.refresh_from_db()
    return operation


def test_what_is_queued_says_what_it_waits_for(alices, queued):
    assert "Waiting for a place among those that run." in alices.get(page_of(queued)).content.decode()
    assert "waiting for a place among those that run" in alices.get("/instances/").content.decode()
    detail = alices.get(reverse("instance_detail", args=[queued.instance_id])).content.decode()
    assert "Waiting for a place among those that run." in detail


@pytest.fixture
def any_kind(kind) -> Iterator[None]:
    """A workflow of that kind is known: which steps it has is of no account here."""
    with registered(diamond(World(), OnFailure.UNDO, kind=kind)):
        yield


BACK = "everything is set back as it was"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("upgrade", ("Upgrading acme", "people can go on working", "acme is upgraded", "It runs version")),
        ("resize", ("Resizing acme", BACK, "acme has its new size", "room for up to 50 people")),
        ("repair", ("Repairing acme", BACK, "acme is as it should be", "Everything is as it should be")),
        (
            "rollback",
            ("Bringing back the earlier version of acme", "Its data stays", "has its earlier version again", "It runs"),
        ),
        ("restore", ("Restoring the backup of acme", "is lost", "acme is restored from its backup", "It is as its")),
        (
            "rehearse",
            ("Bringing up a copy of acme", "beside the", "acme has come up from its backup", "can be restored"),
        ),
        (
            "migrate-architecture",
            (
                "Renewing the infrastructure of acme",
                "people can go on working",
                "acme has its new infrastructure",
                "the same as before",
            ),
        ),
    ],
)
def test_changes_read_well_while_they_run_and_at_their_end(alices, running, setup, any_kind, kind, words):
    Operation.objects.filter(pk=setup.pk).update(kind=kind, status="running", finished_at=None)
    doing, and_now, done, more = words
    page = alices.get(page_of(setup)).content.decode()
    assert doing in page
    assert and_now in page
    Operation.objects.filter(pk=setup.pk).update(status="undoing")
    assert "is being taken back" in alices.get(page_of(setup)).content.decode()
    Operation.objects.filter(pk=setup.pk).update(status="succeeded", finished_at=setup.started_at)
    page = alices.get(page_of(setup)).content.decode()
    assert done in page
    assert more in page
    assert "nothing is left" not in page
