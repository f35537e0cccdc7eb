"""What the admin shows, to whom, and at what price."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core import clock as portal_clock
from portal.core.audit import record
from portal.core.models import Mail
from provisioning.models import Instance, Operation
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db
LISTS = [
    "provisioning_instance", "provisioning_operation", "provisioning_cluster", "provisioning_release",
    "provisioning_size", "provisioning_survey", "provisioning_leak", "provisioning_certificate",
    "provisioning_access", "provisioning_customdomain",
    "core_organization", "core_user", "core_apitoken", "core_auditevent", "core_mail",
]  # fmt: skip


@pytest.mark.parametrize("model", LISTS)
def test_staff_sees_every_list(adas, trial, model):
    assert adas.get(listing(model)).status_code == 200


def test_staff_that_is_no_superuser_sees_and_acts_too(ada, adas, failed):
    ada.is_superuser = False
    ada.save()
    assert "/do/retry/" in text(adas, page(failed))
    assert do(adas, failed, "retry", reason="again").status_code == 302


@pytest.mark.parametrize("address", ["/admin/", "/admin/provisioning/instance/"])
def test_a_stranger_gets_to_the_login(address, db):
    browser = Client()
    door = browser.get(address)["Location"]
    assert browser.get(door)["Location"].startswith("/accounts/login/")


def test_a_customer_gets_no_further_than_the_login(alices):
    response = alices.get("/admin/", follow=True)
    assert response.status_code == 403


def test_rows_cannot_be_edited_by_hand(adas, trial, running):
    for target in (trial, running, trial.organization):
        assert adas.post(page(target), {"slug": "stolen", "status": "deleted"}).status_code == 403
        assert adas.get(page(target, "delete")).status_code == 403
    for model in ("instance", "operation"):
        assert adas.get(f"/admin/provisioning/{model}/add/").status_code == 403


@pytest.mark.parametrize("model", ["account/emailaddress", "auth/group", "mfa/authenticator"])
def test_pages_of_other_packages_are_not_here(adas, model):
    assert adas.get(f"/admin/{model}/").status_code == 404


def queries_of(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("model", ["provisioning_instance", "provisioning_operation"])
def test_a_list_takes_the_same_number_of_queries_however_long(adas, fleet, model):
    fleet(2)
    few = queries_of(adas, listing(model))
    fleet(40)
    assert queries_of(adas, listing(model)) == few
    assert few <= 16


def test_an_operation_takes_the_same_number_of_queries_however_many_tries(adas, running):
    few = queries_of(adas, page(running))
    for step in running.steps.all():
        for _ in range(40):
            now = portal_clock.now()
            step.attempts.create(direction="forward", outcome="retry", worker="w", started_at=now, finished_at=now)
    assert queries_of(adas, page(running)) == few
    assert "the latest 30 of 4" in text(adas, page(running))


def test_an_operation_shows_its_errors_in_full(adas, failed):
    shown = text(adas, page(failed))
    assert "The quota is used up. Ask for more." in shown
    assert "Traceback (most recent call last)" in shown
    assert "made ground" in shown


def test_an_operation_whose_workflow_has_changed_stays_readable(adas, failed):
    failed.steps.filter(name="roof").update(name="dismantled-step")
    assert "dismantled-step" in text(adas, page(failed))


def test_what_needs_a_person_comes_first(adas, failed, fleet):
    fleet(3)
    shown = text(adas, listing("provisioning_operation"))
    assert shown.index(failed.pk) < min(shown.index(pk) for pk in _others(failed))
    assert failed.pk in text(adas, listing("provisioning_operation"), attention="needed")
    assert not any(pk in text(adas, listing("provisioning_operation"), attention="needed") for pk in _others(failed))


def _others(operation):
    return Operation.objects.exclude(pk=operation.pk).values_list("pk", flat=True)


def test_a_step_that_nobody_takes_makes_its_operation_late(adas, running, clock):
    running.steps.filter(name="ground").update(due_at=portal_clock.now())
    clock.shift(180)
    assert running.pk in text(adas, listing("provisioning_operation"), attention="needed")
    assert "No worker takes its next step" in text(adas, "/admin/")


def test_a_failure_that_was_followed_by_something_newer_is_history(adas, failed, by_ada, trial, clock):
    from provisioning.services import operation_request

    clock.shift(60)
    operation_request(instance=trial, kind="teardown", actor=by_ada)
    assert failed.pk not in text(adas, listing("provisioning_operation"), attention="needed")


def test_the_first_page_counts_and_names_what_needs_a_person(adas, failed, fleet):
    fleet(2)
    Instance.objects.filter(slug__startswith="fleet").update(status="running")
    response = adas.get("/admin/")
    figures = {figure.title: figure.count for figure in response.context["figures"]}
    assert figures.pop("Trials ending") == 0
    assert {figures.pop(title) for title in ("Rollouts", "Overdue holds")} == {0}
    assert figures.pop("Degraded") == 0
    assert figures.pop("Trials") == 1
    assert figures == {"Running": 2, "Coming up": 0, "Needs attention": 1, "Alerts": 0, "Drift": 0, "Leaks": 0}
    assert "provision of acme" in response.content.decode()


def test_the_first_page_says_when_all_is_well(adas, trial):
    Instance.objects.update(trial_ends_at=portal_clock.now())
    response = adas.get("/admin/")
    assert {f.title: f.count for f in response.context["figures"]}["Trials ending"] == 1
    assert "Every operation gets on by itself" in response.content.decode()


@pytest.mark.parametrize(("life", "is_shown"), [("living", True), ("coming-up", True), ("ending", False)])
def test_the_fleet_is_filtered_by_life(adas, running, life, is_shown):
    Instance.objects.update(trial_ends_at=portal_clock.now() + timedelta(days=30))
    assert (running.instance_id in text(adas, listing("provisioning_instance"), life=life)) is is_shown


@pytest.mark.parametrize("words", ["acme", "sourcegraph.localhost", "alice@acme.example"])
def test_an_instance_is_found(adas, trial, words):
    assert trial.pk in text(adas, listing("provisioning_instance"), q=words)
    assert trial.pk in text(adas, listing("provisioning_instance"), q=trial.pk)
    assert trial.pk not in text(adas, listing("provisioning_instance"), q="globex")


def test_an_instance_shows_its_operations(adas, trial, running):
    shown = text(adas, page(trial))
    assert page(running) in shown
    assert "coming up" in shown


def test_the_admin_has_its_own_policy_and_the_strict_one_holds_beside_it(adas):
    policy = adas.get("/admin/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in adas.get("/admin/nothing/")["Content-Security-Policy"]


def test_audit_and_mail_are_shown_and_found(adas, trial, by_ada):
    record("instance.create", trial, organization_id=trial.organization_id, actor=by_ada, reason="A favour.")
    Mail.objects.create(key="instance-ready:1", kind="instance-ready", recipient="alice@acme.example")
    assert "A favour." in text(adas, listing("core_auditevent"), q=trial.pk)
    assert "alice@acme.example" in text(adas, listing("core_mail"), q="alice")
