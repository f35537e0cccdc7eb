"""Starting, seeing and deleting instances."""

import pytest
from django.urls import reverse

from portal.core.models import AuditEvent
from provisioning.models import Instance, OperationKind, OperationStatus, Region, StepStatus
from provisioning.services import instance_delete
from tests.portal.web.watching import ended, page_of

WISH = {"slug": "acme", "region": "europe-west3"}


def test_an_owner_starts_a_trial_and_watches_it(alices, catalogue):
    answer = alices.post("/instances/new/", WISH)
    instance = Instance.objects.get()
    assert answer.headers["Location"] == page_of(instance.operations.get())
    assert (instance.slug, instance.region, instance.kind) == ("acme", "europe-west3", "trial")


def test_a_form_sent_twice_leads_to_the_instance_that_the_first_made(alices, catalogue):
    answers = [alices.post("/instances/new/", WISH).headers["Location"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert Instance.objects.count() == 1


def test_a_second_trial_is_refused_and_the_first_one_shown(alices, coming_up):
    page = alices.post("/instances/new/", {**WISH, "slug": "another"}).content.decode()
    assert "had its trial" in page
    address = reverse("instance_detail", args=[coming_up.pk])
    assert f'href="{address}">See your instance</a>' in page
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("slug", ["admin", "a", "Not Legal!", "-acme", "two--hyphens"])
def test_a_bad_name_is_refused_at_its_field(alices, catalogue, slug):
    answer = alices.post("/instances/new/", {**WISH, "slug": slug})
    assert "field-error" in answer.content.decode()
    assert not Instance.objects.exists()


def test_a_refused_form_keeps_what_was_typed(alices, catalogue):
    page = alices.post("/instances/new/", {**WISH, "slug": "admin"}).content.decode()
    assert 'value="admin"' in page
    assert 'value="europe-west3" id="id_region_1" required checked' in page


def test_a_name_that_another_customer_has_is_refused(charlies, coming_up):
    answer = charlies.post("/instances/new/", WISH)
    assert "is taken" in answer.content.decode()


def test_an_unknown_region_is_refused(alices, catalogue):
    assert "field-error" in alices.post("/instances/new/", {**WISH, "region": "mars"}).content.decode()
    assert not Instance.objects.exists()


def test_capitals_are_forgiven(alices, catalogue):
    alices.post("/instances/new/", {**WISH, "slug": " Acme "})
    assert Instance.objects.get().slug == "acme"


def test_a_plain_member_sees_why_they_may_not_start_one(bobs, catalogue):
    page = bobs.get("/instances/new/").content.decode()
    assert 'aria-disabled="true"' in page
    assert "Only an owner or an admin" in page


def test_a_plain_member_cannot_post_either(bobs, catalogue):
    answer = bobs.post("/instances/new/", WISH)
    assert answer.status_code == 403
    assert "Only an owner or an admin" in answer.content.decode()
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    ("slug", "sentence"),
    [("acme", "is free"), ("admin", "is reserved"), ("x", "3 to 32 characters"), ("no spaces", "small letters")],
)
def test_a_name_is_checked_while_it_is_typed(alices, catalogue, slug, sentence):
    assert sentence in alices.get("/instances/new/name/", {"slug": slug}).content.decode()


def test_the_page_says_before_what_one_gets(alices, catalogue):
    page = alices.get("/instances/new/").content.decode()
    for what in (*Region.labels, "50 people", "region is fixed", "20 minutes", "After 30 days"):
        assert what in page


def test_an_instance_that_comes_up_shows_how_far_it_is(alices, coming_up, setup):
    page = alices.get(reverse("instance_detail", args=[coming_up.pk])).content.decode()
    assert "Coming up" in page
    assert page_of(setup) in page
    assert "Open instance" not in page


def test_a_running_instance_can_be_opened(alices, running):
    page = alices.get(reverse("instance_detail", args=[running.pk])).content.decode()
    assert f'href="{running.url}"' in page
    assert "Trial ends" in page
    assert running.pk in page


def test_a_failed_setup_needs_attention_and_says_who_is_at_it(alices, coming_up, setup):
    ended(setup, OperationStatus.FAILED)
    assert "Needs attention" in alices.get("/instances/").content.decode()
    assert "We have been told" in alices.get(reverse("instance_detail", args=[coming_up.pk])).content.decode()


def test_deleting_wants_the_name(alices, running):
    page = reverse("instance_delete", args=[running.pk])
    assert "This will be lost" in alices.get(page).content.decode()
    assert "Type “acme” to confirm" in alices.post(page, {"confirmation": "acne"}).content.decode()
    assert not running.operations.filter(kind=OperationKind.TEARDOWN).exists()


def test_deleting_leads_to_the_progress_and_twice_to_the_same(alices, running):
    page = reverse("instance_delete", args=[running.pk])
    answers = [alices.post(page, {"confirmation": "acme"}).headers["Location"] for _ in range(2)]
    assert answers[0] == answers[1] == page_of(running.operations.get(kind=OperationKind.TEARDOWN))
    assert "Being deleted" in alices.get("/instances/").content.decode()


def test_who_deleted_it_is_written_down(alices, alice, running):
    alices.post(reverse("instance_delete", args=[running.pk]), {"confirmation": "acme"})
    event = AuditEvent.objects.filter(action="operation.request").latest("at")
    assert (event.actor, event.source_address) == (alice, "127.0.0.1")


def test_a_plain_member_cannot_delete(bobs, running):
    page = reverse("instance_delete", args=[running.pk])
    assert 'aria-disabled="true"' in bobs.get(page).content.decode()
    assert bobs.post(page, {"confirmation": "acme"}).status_code == 403


def test_a_deleted_instance_has_an_honest_page(alices, running, by_alice):
    teardown = instance_delete(instance=running, confirmation="acme", actor=by_alice)
    teardown.steps.update(status=StepStatus.DONE, started_at=teardown.started_at, finished_at=teardown.started_at)
    ended(teardown, OperationStatus.SUCCEEDED)
    Instance.objects.update(status="deleted", deleted_at=teardown.started_at)
    page = alices.get(reverse("instance_detail", args=[running.pk])).content.decode()
    assert "was deleted" in page
    assert "Open instance" not in page
    assert "acme" not in alices.get("/instances/").content.decode().split("<tbody>")[-1].split("No instance in use")[-1]
    assert running.pk in alices.get("/instances/?show=deleted").content.decode()


def test_what_is_not_yours_does_not_exist(charlies, running, setup):
    pages = [
        reverse("instance_detail", args=[running.pk]),
        reverse("instance_delete", args=[running.pk]),
        *(page_of(setup, name) for name in ("operation_detail", "operation_fragment", "operation_summary")),
    ]
    assert {charlies.get(page).status_code for page in pages} == {404}
    assert charlies.post(pages[1], {"confirmation": "acme"}).status_code == 404


def test_an_operation_is_found_under_its_own_instance_only(alices, running, setup):
    assert alices.get(reverse("operation_detail", args=["src-0", setup.pk])).status_code == 404
    assert alices.get(reverse("operation_detail", args=[running.pk, "op-0"])).status_code == 404
