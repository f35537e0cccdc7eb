"""An instance is brought to where its money says it stands, and its people are told in time."""

from datetime import timedelta

import pytest

from billing.models import Subscription, Upkeep
from billing.services.upkeep import upkeep_ask, upkeep_complete, upkeep_go_on
from portal.core import clock
from portal.core.models import AuditEvent, Mail
from provisioning.models import Cluster, Instance, Operation
from provisioning.signals import operation_finished
from tests.billing.mirror import ENDS, end, subscribe
from tests.conftest import SUSPENDED

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def running(day, trial: Instance) -> Instance:
    """A trial that ends on New Year's Day."""
    Instance.objects.update(status="running")
    upkeep_complete()
    return trial


@pytest.fixture
def asleep(running: Instance) -> Instance:
    Instance.objects.update(**SUSPENDED, trial_ends_at=ENDS - 30 * DAY)
    return running


def look() -> Upkeep:
    """All have been looked at."""
    upkeep_ask(Instance.objects.all())
    upkeep_go_on()
    return Upkeep.objects.get()


def asked() -> list[str]:
    return list(Operation.objects.order_by("created_at").values_list("kind", flat=True))


def mails() -> list[tuple[str, str]]:
    return sorted(Mail.objects.values_list("kind", "recipient"))


class TestATrial:
    def test_goes_on_until_its_end(self, running):
        found = look()
        assert (found.state, found.until, asked(), mails()) == ("trial", ENDS, [], [])

    @pytest.mark.parametrize("days", [7, 3, 1])
    def test_tells_owners_in_time_and_once(self, running, day, days):
        day.move_to(ENDS - days * DAY - timedelta(seconds=1))
        look()
        before = Mail.objects.count()
        assert Upkeep.objects.get().due_at == ENDS - days * DAY
        day.move_to(ENDS - days * DAY)
        look()
        look()
        assert Mail.objects.count() == before + 1
        told = Mail.objects.latest("created_at")
        assert (told.kind, told.recipient, told.context["days"]) == ("trial-ending", "alice@acme.example", days)

    def test_of_what_was_missed_only_the_newest_is_told(self, running, day):
        day.move_to(ENDS - DAY)
        look()
        assert [mail.context["days"] for mail in Mail.objects.all()] == [1]

    def test_is_suspended_at_its_end_and_says_so(self, running, day):
        day.move_to(ENDS)
        found = look()
        assert (found.state, found.delete_at) == ("trial ended", ENDS + 14 * DAY)
        operation = Operation.objects.get()
        assert (operation.kind, operation.inputs) == ("suspend", {"notice": "trial-ended"})
        event = AuditEvent.objects.get(action="operation.request")
        assert (event.actor_label, event.reason) == ("billing", "It stands at “trial ended”.")
        end()
        look()
        assert mails() == [("instance-suspended", "alice@acme.example")]
        assert Mail.objects.get().context["kept_until"] == "15 January 2027"
        assert asked() == ["suspend"]

    def test_that_is_extended_comes_back(self, asleep):
        Instance.objects.update(trial_ends_at=ENDS)
        look()
        assert asked() == ["resume"]


class TestAConversion:
    def test_makes_it_a_customers_and_interrupts_nothing(self, running):
        subscribe(running)
        look()
        running.refresh_from_db()
        assert (running.kind, running.trial_ends_at, running.status) == ("production", None, "running")
        assert asked() == ["repair"]
        assert Operation.objects.get().wanted["kind"] == "production"
        assert AuditEvent.objects.get(action="instance.convert").actor_label == "billing"
        end()
        look()
        assert asked() == ["repair"]

    def test_of_a_suspended_one_resumes_it_first(self, asleep):
        subscribe(asleep)
        look()
        assert asked() == ["resume"]
        end()
        upkeep_go_on()  # the end of the one has asked for it
        assert asked() == ["resume", "repair"]


class TestPayment:
    @pytest.fixture
    def customers(self, running) -> Subscription:
        Instance.objects.update(kind="production", trial_ends_at=None)
        return subscribe(running, status="past_due", unpaid_since=clock.now())

    def test_that_is_missing_is_told_and_suspends_after_the_days_of_grace(self, customers, day):
        found = look()
        assert (found.state, found.until, asked()) == ("in grace", clock.now() + 14 * DAY, [])
        assert mails() == [("payment-missing", "alice@acme.example")]
        day.shift(14 * DAY)
        upkeep_go_on()
        assert Operation.objects.get().inputs == {"notice": "payment"}

    def test_that_comes_resumes(self, customers, day):
        Instance.objects.update(**{**SUSPENDED, "suspended_because": "payment"})
        Subscription.objects.update(status="active", unpaid_since=None)
        look()
        assert asked() == ["resume"]

    def test_that_never_comes_ends_with_another_notice(self, customers):
        Instance.objects.update(**{**SUSPENDED, "suspended_because": "payment"})
        Subscription.objects.update(status="canceled", ended_at=clock.now())
        assert look().delete_at == clock.now() + 30 * DAY
        assert Instance.objects.get().suspended_because == "ended"


def test_what_we_have_switched_off_is_left_so(running):
    Instance.objects.update(**{**SUSPENDED, "suspended_because": "by-us"})
    subscribe(running)
    look()
    assert asked() == []


def test_on_a_cluster_that_somebody_brings_nothing_is_switched_off(running, day, alice):
    brought = {"name": "brought", "organization": running.organization, "server": "https://brought.example"}
    cluster = Cluster.objects.create(**brought, kubeconfig_encrypted=b"", created_by=alice)
    Instance.objects.update(tenancy="byok", cluster=cluster)
    day.move_to(ENDS)
    assert look().state == "trial ended"
    assert asked() == []


def test_what_is_under_way_is_let_end_first(running, day):
    Operation.objects.create(instance=running, kind="upgrade", status="running", wanted={})
    day.move_to(ENDS)
    look()
    assert asked() == ["upgrade"]
    Operation.objects.update(status="succeeded", finished_at=clock.now())
    operation_finished.send(sender=Operation, operation=Operation.objects.get())
    upkeep_go_on()
    assert asked() == ["upgrade", "suspend"]


def test_what_has_just_failed_is_not_asked_for_at_once(running, day):
    day.move_to(ENDS)
    look()
    end("undone")
    look()
    assert asked() == ["suspend"]
    day.shift(timedelta(hours=1))
    upkeep_go_on()
    assert asked() == ["suspend", "suspend"]


def test_one_instances_trouble_is_kept_with_it_and_stops_no_other(running, day, globex):
    mine = {field.attname: getattr(running, field.attname) for field in Instance._meta.fields}
    other = {"id": "src-2", "slug": "globex", "domain": "globex", "organization_id": globex.pk, "status": "running"}
    Instance.objects.create(**{**mine, **other})
    upkeep_complete()
    subscribe(running, status="odd")  # a status that Stripe does not have
    day.move_to(ENDS)
    assert upkeep_go_on() == 2
    assert list(Operation.objects.values_list("instance", flat=True)) == ["src-2"]
    troubled = Upkeep.objects.get(pk=running.pk)
    assert (troubled.failures, troubled.error) == (1, "'odd' is not a valid SubscriptionStatus")
    assert troubled.due_at == clock.now() + timedelta(minutes=1)


def test_each_is_looked_at_once_an_hour_unasked(running, day):
    look()
    assert upkeep_go_on() == 0
    day.shift(timedelta(hours=1))
    assert upkeep_go_on() == 1


def test_what_is_deleted_is_never_looked_at_again(running):
    Instance.objects.update(status="deleted", deleted_at=clock.now())
    assert look().due_at is None
