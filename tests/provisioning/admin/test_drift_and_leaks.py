"""What is not as it should be outside: drift of running instances, leaks both ways, services that fail."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.core.models import AuditEvent
from provisioning.clients.google import breaker
from provisioning.clients.google.tally import tally
from provisioning.engine.survey import Verdict
from provisioning.models import Instance, Leak, Operation, Survey
from tests.provisioning.admin.pages import do, listing, page, text
from tests.provisioning.admin.surveying import TIER, drift, finding

pytestmark = pytest.mark.django_db
ORPHAN, GONE = Leak.Kind.ORPHAN, Leak.Kind.GONE


@pytest.fixture
def running_trial(trial):
    trial.status = "running"
    trial.save()
    return trial


@pytest.fixture
def drifted(running_trial) -> Survey:
    """Acme's database is of another tier, its address is missing, its cluster could not be looked at."""
    return drift(
        running_trial,
        finding("database", Verdict.DIFFERS, title="Database server", changes=(TIER,)),
        finding("address", Verdict.MISSING, title="Public address"),
        finding("cluster", Verdict.UNCLEAR, title="Cluster", sentence="403 from the cloud."),
    )


@pytest.fixture
def leak_of():
    def make(resource="//cloud/projects/src-1", kind=ORPHAN, instance_id="src-1", **more) -> Leak:
        return Leak.objects.create(kind=kind, resource=resource, source="projects", instance_id=instance_id, **more)

    return make


def test_drift_is_listed_with_what_and_how_much(adas, drifted):
    shown = text(adas, listing("provisioning_survey"))
    assert "1 missing, 1 differ, 1 unclear" in shown
    assert "Database server" in shown


def test_what_is_as_wanted_is_listed_only_when_asked_for(adas, running_trial):
    drift(running_trial)
    assert "All is as wanted" not in text(adas, listing("provisioning_survey"))
    assert "All is as wanted" in text(adas, listing("provisioning_survey"), found="all")
    assert "All is as wanted" not in text(adas, listing("provisioning_survey"), found="unclear")


def test_plans_are_no_drift(adas, running_trial, by_ada):
    from provisioning.services import plan_request

    plan = plan_request(instance=running_trial, kind="teardown", actor=by_ada)
    assert plan.pk not in text(adas, listing("provisioning_survey"), found="all")
    assert adas.get(page(plan)).status_code in {302, 404}


def test_the_page_of_a_drift_is_a_diff(adas, drifted):
    shown = text(adas, page(drifted))
    for words in ("settings.tier", "db-custom-1-4096", "db-custom-4-15360", "Public address", "403 from the cloud."):
        assert words in shown
    assert shown.index("Public address") < shown.index("Database server") < shown.index("The network")
    assert "/do/repair/" in shown
    assert "/do/check/" in shown
    assert "hx-get" not in shown.split('id="findings"')[1].split(">")[0]


def test_a_check_that_is_under_way_asks_for_news(adas, drifted):
    Survey.objects.filter(pk=drifted.pk).update(status="running", due_at=timezone.now(), finished_at=None)
    shown = text(adas, page(drifted))
    assert "being looked at" in shown
    assert 'hx-select="#findings"' in shown
    assert "Look again" in shown


def test_an_instance_shows_its_drift_and_can_be_checked(adas, ada, drifted):
    instance = drifted.instance
    shown = text(adas, page(instance))
    assert "1 missing, 1 differ, 1 unclear" in shown
    assert page(drifted) in shown
    assert do(adas, instance, "check").status_code == 302
    drifted.refresh_from_db()
    assert (drifted.status, drifted.requested_by) == ("running", ada)


def test_an_instance_that_was_never_checked_can_be(adas, running_trial):
    assert do(adas, running_trial, "check").status_code == 302
    assert Survey.objects.get().purpose == "drift"
    assert "not checked yet" in text(adas, listing("provisioning_survey"), found="all")


def test_leaks_say_whose_they_are(adas, leak_of, running_trial):
    leak_of(instance_id="src-unknown")
    leak_of("//cloud/address", GONE, running_trial.pk)
    shown = text(adas, listing("provisioning_leak"))
    assert "unknown" in shown
    assert page(running_trial) in shown
    assert "it is gone" in shown


def test_resolved_leaks_are_listed_only_when_asked_for(adas, leak_of):
    leak_of("//cloud/resolved", resolved_at=timezone.now())
    assert "//cloud/resolved" not in text(adas, listing("provisioning_leak"))
    assert "//cloud/resolved" in text(adas, listing("provisioning_leak"), state="resolved")
    assert "//cloud/resolved" in text(adas, listing("provisioning_leak"), state="all")


def test_what_a_deleted_instance_left_is_torn_down_again(adas, ada, leak_of, trial):
    trial.status = "deleted"
    trial.save()
    leak = leak_of(instance_id=trial.pk)
    assert "Tear the instance down again" in text(adas, page(leak))
    assert do(adas, leak, "teardown", reason="It costs money.").status_code == 302
    assert Operation.objects.get().kind == "teardown"
    assert AuditEvent.objects.get(action="leak.remove").actor == ada


@pytest.mark.parametrize(
    ("kind", "status", "sentence"),
    [
        (ORPHAN, None, "no instance is known that it belongs to"),
        (ORPHAN, "running", "not deleted after all"),
        (GONE, "running", "a repair makes it again"),
    ],
)
def test_what_cannot_be_torn_down_says_what_to_do(adas, leak_of, trial, kind, status, sentence):
    Instance.objects.update(status=status or "running")
    leak = leak_of(kind=kind, instance_id=trial.pk if status else "src-unknown")
    shown = text(adas, page(leak))
    assert sentence in shown
    assert "/do/teardown/" not in shown


def test_leaks_are_looked_for_when_asked(adas, django_capture_on_commit_callbacks):
    assert "/leak/do/check/" in text(adas, listing("provisioning_leak"))
    with django_capture_on_commit_callbacks() as calls:
        assert adas.post("/admin/provisioning/leak/do/check/")["Location"] == listing("provisioning_leak")
    assert len(calls) == 2
    assert adas.get("/admin/provisioning/leak/do/explode/").status_code == 404


def queries_of(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_lists_take_the_same_number_of_queries_however_long(adas, world, fleet, leak_of):
    addresses = [listing("provisioning_survey") + "?found=all", listing("provisioning_leak")]

    def fill(count):
        fleet(count)
        Instance.objects.filter(slug__startswith="fleet").update(status="running")
        for instance in Instance.objects.filter(status="running", surveys=None):
            drift(instance, finding("database", Verdict.DIFFERS))
            leak_of(f"//cloud/{instance.pk}", GONE, instance.pk)

    fill(2)
    few = [queries_of(adas, address) for address in addresses]
    fill(20)
    assert [queries_of(adas, address) for address in addresses] == few
    assert max(few) <= 16


def test_the_first_page_counts_them(adas, drifted, leak_of):
    leak_of()
    figures = {figure.title: (figure.count, figure.is_bad) for figure in adas.get("/admin/").context["figures"]}
    assert (figures["Drift"], figures["Leaks"]) == ((1, True), (1, True))


@pytest.fixture
def outage():
    """Compute Engine fails for everyone, as workers have counted it."""
    now = timezone.now().timestamp()
    tally().attempt(lambda client: client.hset(breaker.OPEN, "compute", f"{now - 60} {now + 60}"))
    yield
    tally().attempt(lambda client: client.delete(breaker.OPEN))


def test_the_first_page_says_which_service_fails_for_everyone(adas, outage):
    assert "The Compute Engine API fails for all instances" in text(adas, "/admin/")


def test_the_first_page_is_silent_about_services_that_work(adas):
    assert "fails for all instances" not in text(adas, "/admin/")


@pytest.mark.parametrize("model", ["provisioning_survey", "provisioning_leak", "provisioning_certificate"])
def test_customers_see_none_of_it(alices, model):
    assert alices.get(listing(model))["Location"].startswith("/admin/login/")
