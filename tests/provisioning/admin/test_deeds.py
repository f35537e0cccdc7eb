"""What an admin does to operations and instances: one service each, audited, and only what is possible."""

import pytest

from portal.core.models import AuditEvent
from provisioning.models import Instance, Operation
from tests.provisioning.admin.pages import do, page, text
from tests.provisioning.driving import run_to_the_end, states

pytestmark = pytest.mark.django_db
WHY = "The quota was raised."


def buttons(client, target) -> set[str]:
    shown = text(client, page(target))
    return {name for name in ("retry", "skip", "undo", "cancel", "teardown") if f"/do/{name}/" in shown}


def audited(action, ada, reason=WHY):
    event = AuditEvent.objects.get(action=action, actor=ada)
    assert (event.reason, event.actor_label, event.source_address) == (reason, ada.email, "127.0.0.1")
    return event


def test_only_what_is_possible_is_offered(adas, running):
    assert buttons(adas, running) == {"cancel", "teardown"}


def test_a_failed_operation_can_be_retried_skipped_undone_and_torn_down(adas, failed):
    assert buttons(adas, failed) == {"retry", "skip", "undo", "teardown"}


def test_a_stuck_operation_cannot_be_undone_once_more(adas, failed):
    Operation.objects.filter(pk=failed.pk).update(status="stuck")
    assert buttons(adas, failed) == {"retry", "skip", "teardown"}


def test_what_is_over_offers_nothing(adas, world, failed, clock):
    do(adas, failed, "retry", reason=WHY)
    assert run_to_the_end(failed, clock).status == "succeeded"
    assert buttons(adas, failed) == {"teardown"}


def test_retry_tries_again_what_failed(adas, ada, failed, clock):
    response = do(adas, failed, "retry", reason=WHY)
    assert response["Location"] == page(failed)
    audited("operation.retry", ada)
    assert run_to_the_end(failed, clock).status == "succeeded"


def test_skip_counts_the_step_as_done(adas, ada, failed, clock):
    do(adas, failed, "skip", step_name="left", reason=WHY)
    assert audited("operation.skip", ada).details["step"] == "left"
    assert run_to_the_end(failed, clock).status == "succeeded"
    assert states(failed)["left"] == "skipped"


def test_only_a_failed_step_can_be_skipped(adas, failed):
    response = do(adas, failed, "skip", step_name="roof", reason=WHY)
    assert response.status_code == 200
    assert "roof" in response.context["form"].errors["step_name"][0]


def test_undo_takes_back(adas, ada, failed, clock):
    do(adas, failed, "undo", reason=WHY)
    audited("operation.undo", ada)
    assert run_to_the_end(failed, clock).status == "undone"


def test_cancel_stops_at_the_next_step_border(adas, ada, running):
    do(adas, running, "cancel", reason=WHY)
    audited("operation.cancel", ada)
    running.refresh_from_db()
    assert running.status == "cancelled"


@pytest.mark.parametrize("deed", ["retry", "skip", "undo"])
def test_a_reason_is_required(adas, failed, deed):
    response = do(adas, failed, deed, step_name="left", reason=" ")
    assert response.context["form"].errors["reason"]
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_tearing_down_wants_the_name_typed(adas, trial, running):
    response = do(adas, trial, "teardown", confirmation="acmee", reason=WHY)
    assert response.context["form"].errors["confirmation"] == ["Type “acme” to confirm."]
    assert trial.operations.count() == 1


@pytest.mark.parametrize(("sent", "inputs"), [({"final_backup": "on"}, {"final_backup": True}), ({}, {})])
def test_tearing_down_keeps_a_last_backup_where_that_is_ticked(adas, trial, settings, sent, inputs):
    settings.GOOGLE_BACKUP_BUCKET = "kept"
    Instance.objects.update(status="running")
    trial.operations.all().delete()
    do(adas, trial, "teardown", confirmation="acme", reason=WHY, **sent)
    assert trial.operations.get(kind="teardown").inputs == inputs


@pytest.mark.parametrize("on_operation", [True, False])
def test_tearing_down_cancels_what_builds_and_begins(adas, ada, trial, running, on_operation):
    response = do(adas, running if on_operation else trial, "teardown", confirmation="acme", reason=WHY)
    assert response.status_code == 302
    assert trial.operations.filter(kind="teardown").exists()
    assert AuditEvent.objects.filter(action="operation.request", actor=ada, reason=WHY).exists()
    assert "teardown" not in buttons(adas, trial)


def test_a_deed_that_is_not_possible_any_more_changes_nothing(adas, failed):
    do(adas, failed, "retry", reason=WHY)
    response = adas.post(page(failed, "deed", "retry"), {"reason": WHY}, follow=True)
    assert "not possible any more" in response.content.decode()
    assert AuditEvent.objects.filter(action="operation.retry").count() == 1


def test_a_refusal_of_the_service_is_its_sentence_on_the_form(adas, failed, by_ada, trial):
    from provisioning.services import operation_request

    operation_request(instance=trial, kind="provision", actor=by_ada)
    response = do(adas, failed, "retry", reason=WHY)
    assert response.status_code == 200
    assert "already under way on this instance" in response.content.decode()


def test_looking_at_a_form_does_nothing(adas, failed):
    for deed in ("retry", "skip", "undo", "teardown"):
        assert WHY not in text(adas, page(failed, "deed", deed))
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_an_unknown_deed_does_not_exist(adas, failed):
    assert adas.get(page(failed, "deed", "explode")).status_code == 404


@pytest.mark.parametrize("deed", ["retry", "skip", "undo", "teardown"])
def test_customers_can_do_nothing_here(alices, failed, deed):
    response = do(alices, failed, deed, step_name="left", reason=WHY, confirmation="acme")
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")
    failed.refresh_from_db()
    assert failed.status == "failed"
    assert failed.instance.operations.count() == 1
