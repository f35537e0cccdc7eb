"""The certificate that nothing is left of a deleted instance."""

import hashlib
import json

import pytest
from django.core import mail as outbox
from django.urls import reverse

from portal.core.mail import send_due
from provisioning.models import Certificate
from provisioning.signals import operation_finished
from tests.portal.web.watching import deleted, page_of


@pytest.fixture
def teardown(running, by_alice):
    """The deletion of acme's trial, at its good end."""
    return deleted(running, by_alice)


def page(instance, name="certificate") -> str:
    return reverse(name, args=[instance.pk])


def test_it_says_what_was_deleted_when_and_how_that_was_confirmed(alices, running, teardown):
    shown = alices.get(page(running)).content.decode()
    certificate = Certificate.objects.get()
    for words in ("Certificate of deletion", running.pk, running.domain, "Alice Archer", certificate.digest):
        assert words in shown
    assert shown.count("the cloud answered 404") == teardown.steps.count()
    assert f"//cloud/{running.pk}/database" in shown
    assert "What was checked at the end" in shown


def test_what_is_only_somebodys_word_is_marked(alices, running, teardown):
    from provisioning.fleet import certificates

    teardown.steps.filter(name="database").update(status="skipped")
    certificates.issue(teardown_again(teardown))
    shown = alices.get(page(running)).content.decode()
    assert "Not confirmed: the step was skipped by hand" in shown
    assert "What could not be confirmed with the cloud is marked" in shown


def teardown_again(teardown):
    """A second teardown of what was found to be left, whose certificate is the newest."""
    steps = list(teardown.steps.all())
    teardown.pk = "op-again"
    teardown.save(force_insert=True)
    for step in steps:
        step.pk, step.operation = None, teardown
        step.save()
    return teardown


def test_the_download_can_be_checked_against_its_digest(alices, running, teardown):
    answer = alices.get(page(running, "certificate_download"))
    document = json.loads(answer.content)
    assert answer["Content-Disposition"] == f'attachment; filename="{document["id"]}.json"'
    digest = document.pop("digest")
    document.pop("id")
    says = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(says.encode()).hexdigest() == digest


def test_the_way_to_it_is_on_the_instances_and_the_operations_page(alices, running, teardown):
    for address in (reverse("instance_detail", args=[running.pk]), page_of(teardown)):
        assert f'href="{page(running)}"' in alices.get(address).content.decode()


def test_the_mail_about_the_deletion_leads_to_it(running, teardown):
    operation_finished.send(sender=type(teardown), operation=teardown)
    assert send_due() == 1
    assert page(running) in str(outbox.outbox[0].body)


def test_there_is_none_of_what_lives(alices, running):
    assert alices.get(page(running)).status_code == 404
    assert alices.get(page(running, "certificate_download")).status_code == 404
    assert page(running) not in alices.get(reverse("instance_detail", args=[running.pk])).content.decode()


def test_colleagues_see_it_and_strangers_do_not(bobs, charlies, running, teardown):
    assert bobs.get(page(running)).status_code == 200
    assert charlies.get(page(running)).status_code == 404
    assert charlies.get(page(running, "certificate_download")).status_code == 404


def test_staff_see_it_too(browser_of, ada, teardown):
    certificate = Certificate.objects.get()
    adas = browser_of(ada)
    shown = adas.get(f"/admin/provisioning/certificate/{certificate.pk}/change/").content.decode()
    assert "the cloud answered 404" in shown
    assert certificate.digest in shown
    assert certificate.pk in adas.get("/admin/provisioning/certificate/").content.decode()
    instance = adas.get(f"/admin/provisioning/instance/{teardown.instance_id}/change/").content.decode()
    assert f"/admin/provisioning/certificate/{certificate.pk}/change/" in instance
