"""What a deed would do is shown before it is confirmed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.models import AuditEvent
from provisioning.engine.survey import Verdict
from provisioning.models import Operation, Release, Size, Survey, Tenancy
from provisioning.services import plan_request
from provisioning.workflows.teardown import TEARDOWN
from tests.provisioning.admin.pages import do, page, text
from tests.provisioning.admin.surveying import TIER, drift, finding, looked

pytestmark = pytest.mark.django_db
STEPS = len(TEARDOWN.for_tenancy(Tenancy.DEDICATED))
WHY = "They asked for it."


@pytest.fixture
def running_trial(trial):
    """Acme's trial, built and left alone, on the oldest release."""
    trial.status, trial.release = "running", Release.objects.earliest("released_at")
    trial.save()
    return trial


def ask(client, instance, deed, *, htmx=True, **choice):
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(page(instance, "planrequest", deed), choice, headers=headers)


def planned(client, instance, deed, *findings, is_done=True, **choice):
    """The plan's fragment once its survey has found this."""
    ask(client, instance, deed, **choice)
    survey = looked(Survey.objects.get(purpose="plan"), *findings, is_done=is_done)
    return text(client, page(instance, "plan", deed, survey.pk))


@pytest.mark.parametrize("deed", ["teardown", "repair"])
def test_a_page_without_a_choice_asks_for_its_plan_at_once(adas, running_trial, deed):
    shown = text(adas, page(running_trial, "deed", deed))
    assert f'hx-post="{page(running_trial, "planrequest", deed)}"' in shown
    assert 'hx-trigger="load"' in shown
    assert not Survey.objects.exists()


@pytest.mark.parametrize("deed", ["upgrade", "resize"])
def test_a_page_with_a_choice_asks_once_it_is_made(adas, running_trial, deed):
    shown = text(adas, page(running_trial, "deed", deed))
    assert 'hx-trigger="change from:#id_' in shown
    assert "Choose, and what would be done is shown here" in shown
    assert ask(adas, running_trial, deed).status_code == 200
    assert not Survey.objects.exists()


def test_a_plan_grows_until_it_is_done(adas, running_trial):
    response = ask(adas, running_trial, "teardown")
    shown = response.content.decode()
    assert f"0 of {STEPS} looked at" in shown
    assert 'hx-trigger="every 1s"' in shown
    survey = looked(Survey.objects.get(), finding("dns", Verdict.STANDS), is_done=False)
    assert f"1 of {STEPS} looked at" in text(adas, page(running_trial, "plan", "teardown", survey.pk))
    done = text(adas, page(running_trial, "plan", "teardown", looked(survey).pk))
    assert "looked at" not in done
    assert "hx-get" not in done


def test_a_teardown_names_what_goes_and_that_it_does_not_come_back(adas, running_trial):
    shown = planned(adas, running_trial, "teardown", finding("backup-plan", Verdict.MISSING))
    assert "//cloud/database" in shown
    assert "it does not come back" in shown
    assert "−324 USD a month (324 → 0)" in shown  # noqa: RUF001 - a minus
    assert "Gone already" in shown


def test_a_resize_shows_each_setting_with_what_it_is_and_will_be(adas, running_trial):
    shown = planned(adas, running_trial, "resize", finding("database", Verdict.DIFFERS, changes=(TIER,)), size="m")
    assert Survey.objects.get().wanted["size"]["name"] == "m"
    for words in ("settings.tier", "db-custom-1-4096", "db-custom-4-15360", "+756 USD a month (324 → 1,080)"):
        assert words in shown
    assert "about " in shown


def test_an_upgrade_is_planned_for_the_chosen_release(adas, running_trial):
    newest = Release.objects.latest("released_at")
    ask(adas, running_trial, "upgrade", release=newest.pk)
    assert Survey.objects.get().wanted["app_version"] == newest.app_version


def test_what_cannot_be_is_said_in_place_of_a_plan(adas, running_trial):
    running_trial.release = Release.objects.latest("released_at")
    running_trial.save()
    older = Release.objects.earliest("released_at")
    for release in (older.pk, "0"):
        assert "cannot be upgraded to that" in ask(adas, running_trial, "upgrade", release=release).content.decode()
    assert not Survey.objects.exists()


def test_what_could_not_be_looked_at_says_why(adas, running_trial):
    unclear = finding("cluster", Verdict.UNCLEAR, sentence="403 from the cloud.")
    shown = planned(adas, running_trial, "teardown", unclear)
    assert "Could not be looked at" in shown
    assert "403 from the cloud." in shown


def test_nothing_to_do_is_said(adas, running_trial):
    shown = planned(adas, running_trial, "repair")
    assert "there is nothing to do" in shown
    assert "unchanged, 324 USD a month" in shown


def test_it_works_without_scripts(adas, running_trial):
    response = ask(adas, running_trial, "resize", htmx=False, size="m")
    survey = Survey.objects.get()
    assert response["Location"] == f"{page(running_trial, 'deed', 'resize')}?plan={survey.pk}&size=m"
    shown = text(adas, page(running_trial, "deed", "resize"), plan=survey.pk, size="m")
    assert '<option value="m" selected>' in shown
    assert "0 of " in shown
    assert "Look again" in shown


def test_a_refused_confirmation_keeps_the_plan(adas, running_trial):
    ask(adas, running_trial, "teardown")
    survey = looked(Survey.objects.get())
    shown = do(adas, running_trial, "teardown", plan=survey.pk, confirmation="acmee", reason=WHY).content.decode()
    assert "//cloud/database" in shown
    assert 'hx-trigger="load"' not in shown
    assert Survey.objects.count() == 1


def test_a_link_fills_in_the_choice_and_never_the_confirmation(adas, running_trial):
    shown = text(adas, page(running_trial, "deed", "teardown"), confirmation="acme", reason="a trap")
    assert "a trap" not in shown
    assert 'value="acme"' not in shown


def test_a_plan_of_something_else_is_not_shown(adas, running_trial, by_ada):
    other = plan_request(instance=running_trial, kind="repair", actor=by_ada)
    assert adas.get(page(running_trial, "plan", "teardown", other.pk)).status_code == 404
    assert adas.get(page(running_trial, "plan", "cancel", other.pk)).status_code == 404
    assert "//cloud" not in text(adas, page(running_trial, "deed", "teardown"), plan=other.pk)


@pytest.mark.parametrize(
    ("deed", "choice", "kind"),
    [("upgrade", "release", "upgrade"), ("resize", "size", "resize"), ("repair", "", "repair")],
)
def test_a_confirmed_change_runs_and_is_audited(adas, ada, running_trial, deed, choice, kind):
    values = {"release": Release.objects.latest("released_at").pk, "size": "m"}
    answers = {choice: values[choice]} if choice else {}
    assert do(adas, running_trial, deed, reason=WHY, **answers).status_code == 302
    operation = Operation.objects.get()
    assert (operation.kind, operation.requested_by, operation.reason) == (kind, ada, WHY)
    assert AuditEvent.objects.get(action="operation.request").reason == WHY
    shown = text(adas, page(running_trial))
    assert not any(f"/do/{name}/" in shown for name in ("upgrade", "resize", "repair"))


def test_changes_are_not_offered_for_what_does_not_run(adas, trial):
    shown = text(adas, page(trial))
    assert not any(f"/do/{name}/" in shown for name in ("upgrade", "resize", "repair", "check"))
    assert "/do/teardown/" in shown


def test_a_choice_is_required(adas, running_trial):
    response = do(adas, running_trial, "resize", reason=WHY)
    assert response.context["form"].errors["size"]
    assert "xs" not in dict(response.context["form"].fields["size"].choices)
    assert Size.objects.count() > 1


def test_a_stopped_setup_shows_the_plan_of_its_teardown_too(adas, failed):
    shown = text(adas, page(failed, "deed", "teardown"))
    assert f'hx-post="{page(failed, "planrequest", "teardown")}"' in shown
    assert adas.post(page(failed, "planrequest", "teardown"), {}, headers={"HX-Request": "true"}).status_code == 200
    assert Survey.objects.get().instance == failed.instance


def test_a_repair_is_begun_from_the_page_of_its_drift(adas, running_trial):
    survey = drift(running_trial, finding("database", Verdict.DIFFERS, changes=(TIER,)))
    assert adas.post(page(survey, "planrequest", "repair"), {}, headers={"HX-Request": "true"}).status_code == 200
    assert do(adas, survey, "repair", reason=WHY).status_code == 302
    assert Operation.objects.get().kind == "repair"


def test_a_plan_takes_few_queries_however_much_it_finds(adas, running_trial, by_ada):
    survey = plan_request(instance=running_trial, kind="teardown", actor=by_ada)
    address = page(running_trial, "plan", "teardown", survey.pk)

    def queries() -> int:
        adas.get(address)
        with CaptureQueriesContext(connection) as captured:
            adas.get(address)
        return len(captured)

    few = queries()
    looked(survey)
    assert queries() == few <= 10


def test_customers_ask_for_nothing_here(alices, running_trial):
    assert ask(alices, running_trial, "teardown")["Location"].startswith("/admin/login/")
    assert not Survey.objects.exists()
