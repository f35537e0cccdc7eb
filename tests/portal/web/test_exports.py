"""An export is asked for on a page, and its files are fetched there."""

import pytest
from django.urls import reverse

from provisioning.models import Instance, OperationKind
from provisioning.services.exports import instance_export
from tests.provisioning.services.test_exports import made, running

__all__ = ["running"]


@pytest.fixture
def kept(running: Instance, by_alice) -> str:
    """The key of an export."""
    return str(made(instance_export(instance=running, actor=by_alice)).pk)


def page(instance: Instance) -> str:
    return reverse("instance_exports", args=[instance.pk])


def file(instance: Instance, key: str) -> str:
    return reverse("export_file", args=[instance.pk, key, "pgsql"])


def test_a_click_begins_it_and_the_page_goes_on_by_itself(alices, running):
    assert alices.post(page(running)).url == page(running)
    shown = alices.get(page(running)).content.decode()
    assert "The export is being written" in shown
    assert 'hx-trigger="every 3s"' in shown
    assert running.operations.filter(kind=OperationKind.EXPORT).count() == 1


def test_a_second_click_says_what_is_under_way(alices, running):
    alices.post(page(running))
    assert "is already under way on this instance" in alices.post(page(running)).content.decode()
    assert running.operations.filter(kind=OperationKind.EXPORT).count() == 1


def test_what_is_kept_can_be_fetched(alices, running, kept):
    shown = alices.get(page(running)).content.decode()
    assert file(running, kept) in shown
    assert "the next can be had 6 hours later" in shown


def test_a_file_that_is_not_there_is_not_found(alices, running, kept):
    assert alices.get(reverse("export_file", args=[running.pk, kept, "other"])).status_code == 404


def test_members_see_that_there_is_one_and_cannot_have_it(bobs, running, kept):
    shown = bobs.get(page(running)).content.decode()
    assert "Only an owner or an admin" in shown
    assert file(running, kept) not in shown
    assert bobs.get(file(running, kept)).status_code == 403
    assert bobs.post(page(running)).status_code == 403


def test_strangers_find_nothing(charlies, running, kept):
    assert charlies.get(page(running)).status_code == 404
    assert charlies.post(page(running)).status_code == 404
    assert charlies.get(file(running, kept)).status_code == 404


def test_a_deleted_instance_shows_what_is_still_kept(alices, running, kept):
    Instance.objects.update(status="deleted", deleted_at="2026-12-01T00:00Z")
    assert file(running, kept) in alices.get(page(running)).content.decode()
    assert page(running) in alices.get(reverse("instance_detail", args=[running.pk])).content.decode()


def test_before_the_end_of_a_subscription_people_are_led_there(alices, running):
    shown = alices.get(page(running)).content.decode()
    assert "Nothing is kept" in shown
    assert "Export now" in shown
