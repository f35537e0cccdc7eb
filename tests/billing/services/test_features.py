"""What is entitled and wanted is on, all of it in one operation, and nothing ends without notice."""

from datetime import timedelta

import pytest

from billing.models import Feature, Grant, OptIn, Plan, Subscription, Upkeep
from billing.selectors.entitlements import Stands, held_features
from billing.services.features import feature_opt_in, feature_opt_out, feature_tell, feature_was_bought
from billing.services.upkeep import upkeep_ask, upkeep_complete, upkeep_go_on
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent, Mail
from provisioning.models import Instance, Operation
from provisioning.services import operation_request
from tests.billing.mirror import ENDS, end, subscribe

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BEGIN = ENDS - 20 * DAY


@pytest.fixture
def running(day, trial: Instance) -> Instance:
    """A trial that ends on New Year's Day."""
    Instance.objects.update(status="running", trial_ends_at=ENDS)
    upkeep_complete()
    return Instance.objects.get()


@pytest.fixture
def customers(running) -> Instance:
    """It is subscribed to a plan that has batch changes."""
    subscribe(running, {"enterprise-month-usd-1": 100})
    Instance.objects.update(kind="production", trial_ends_at=None)
    return Instance.objects.get()


def feature(name: str) -> Feature:
    return Feature.objects.get(pk=name)


def plan() -> Plan:
    """What the customer has subscribed to."""
    return Plan.objects.get(pk="enterprise")


def opt_in(instance: Instance, actor, *names: str) -> None:
    for name in names:
        feature_opt_in(instance=instance, feature=feature(name), actor=actor)


def grant(instance: Instance, by, name: str = "static-address", until=None, **more) -> Grant:
    return Grant.objects.create(
        instance=instance, feature=feature(name), until=until, granted_by=by, reason="!", **more
    )


def look() -> Upkeep:
    upkeep_ask(Instance.objects.all())
    upkeep_go_on()
    return Upkeep.objects.get()


def asked() -> list[list[str]]:
    """The features that each operation was asked for with."""
    rows = Operation.objects.filter(kind="apply-features").order_by("created_at")
    return [[found["name"] for found in row.wanted["features"]] for row in rows]


def on() -> list[str]:
    return [found["name"] for found in Instance.objects.get().features]


def stands(instance: Instance, name: str) -> Stands:
    found = held_features(Instance.objects.get(pk=instance.pk), clock.now())
    return next(held.stands for held in found if held.feature.pk == name)


class TestSwitchingOn:
    def test_takes_an_entitlement_and_a_wish(self, customers, by_alice):
        look()
        assert asked() == []
        opt_in(customers, by_alice, "batch-changes")
        assert stands(customers, "batch-changes") is Stands.CHANGING
        look()
        end()
        assert (asked(), on()) == ([["batch-changes"]], ["batch-changes"])
        assert stands(customers, "batch-changes") is Stands.ON
        event = AuditEvent.objects.get(action="feature.opt-in")
        assert (event.details["feature"], event.actor_label) == ("batch-changes", by_alice.label)

    def test_of_several_is_one_operation(self, customers, by_alice):
        opt_in(customers, by_alice, "code-insights", "batch-changes", "audit-retention")
        look()
        assert asked() == [["audit-retention", "batch-changes", "code-insights"]]

    def test_what_is_wanted_meanwhile_is_the_next_one_together(self, customers, by_alice):
        opt_in(customers, by_alice, "code-insights")
        look()
        opt_in(customers, by_alice, "batch-changes", "audit-retention")
        look()
        assert asked() == [["code-insights"]]
        end()
        look()
        assert asked()[1:] == [["audit-retention", "batch-changes", "code-insights"]]

    def test_twice_is_the_same_wish(self, customers, by_alice):
        opt_in(customers, by_alice, "batch-changes", "batch-changes")
        assert OptIn.objects.count() == AuditEvent.objects.filter(action="feature.opt-in").count() == 1

    def test_without_an_entitlement_is_refused(self, customers, by_alice):
        with pytest.raises(Conflict, match="Static outbound address is not included yet"):
            opt_in(customers, by_alice, "static-address")

    def test_of_what_its_version_cannot_carry_says_so(self, customers, by_alice):
        Feature.objects.filter(pk="batch-changes").update(minimum_version="99.0.0")
        with pytest.raises(Invalid, match=r"needs version 99\.0\.0"):
            opt_in(customers, by_alice, "batch-changes")
        assert stands(customers, "batch-changes") is Stands.REFUSED

    def test_in_a_trial_is_for_what_may_be_tried(self, running, by_alice):
        opt_in(running, by_alice, "code-insights")
        look()
        assert asked() == [["code-insights"]]
        with pytest.raises(Conflict):
            opt_in(running, by_alice, "audit-retention")

    def test_brings_what_the_catalogue_says_of_it(self, customers, by_alice):
        opt_in(customers, by_alice, "batch-changes")
        look()
        (wanted,) = Operation.objects.get(kind="apply-features").wanted["features"]
        assert wanted == {
            "name": "batch-changes",
            "units": 1,
            "values": {"worker": {"env": {"WORKER_JOB_BLOCKLIST": {"value": ""}}}},
            "parts": [],
        }


class TestWhatAsksForDetails:
    OFFICE, HOME = {"addresses": ["203.0.113.0/24"]}, {"addresses": ["198.51.100.0/24"]}

    @pytest.fixture
    def entitled(self, customers: Instance, ada) -> Instance:
        grant(customers, ada, "allow-list")
        return customers

    def want(self, instance, actor, details) -> None:
        feature_opt_in(instance=instance, feature=feature("allow-list"), actor=actor, details=details)

    def test_is_not_wanted_without_them(self, entitled, by_alice):
        with pytest.raises(Invalid, match="at least one address") as refused:
            self.want(entitled, by_alice, {})
        assert refused.value.field == "addresses"
        assert not OptIn.objects.exists()

    def test_brings_them_along(self, entitled, by_alice):
        self.want(entitled, by_alice, self.OFFICE)
        look()
        (wanted,) = Operation.objects.get(kind="apply-features").wanted["features"]
        assert (wanted["parts"], wanted["details"]) == (["allow-list"], self.OFFICE)

    def test_that_changes_is_one_more_operation_however_often(self, entitled, by_alice):
        self.want(entitled, by_alice, self.OFFICE)
        look()
        end()
        look()
        assert len(asked()) == 1
        for details in ({"addresses": ["198.51.100.7"]}, self.HOME):
            feature_tell(instance=entitled, feature=feature("allow-list"), details=details, actor=by_alice)
        look()
        assert stands(entitled, "allow-list") is Stands.ON
        end()
        look()
        assert len(asked()) == 2
        assert Instance.objects.get().features[0]["details"] == self.HOME
        assert AuditEvent.objects.filter(action="feature.tell").count() == 2

    def test_and_was_bought_waits_for_them_and_asks_for_nothing(self, customers, by_alice):
        price = "allow-list-month-usd-1"
        Subscription.objects.get().items.create(stripe_id="si_list", price_id=price, quantity=1)
        feature_was_bought(customers, feature("allow-list"), 1)
        look()
        assert (asked(), stands(customers, "allow-list")) == ([], Stands.UNTOLD)
        feature_tell(instance=customers, feature=feature("allow-list"), details=self.OFFICE, actor=by_alice)
        assert stands(customers, "allow-list") is Stands.CHANGING
        look()
        assert asked() == [["allow-list"]]

    def test_cannot_be_told_of_what_is_off_or_told_twice(self, entitled, by_alice):
        with pytest.raises(Conflict, match="is off"):
            feature_tell(instance=entitled, feature=feature("allow-list"), details=self.OFFICE, actor=by_alice)
        self.want(entitled, by_alice, self.OFFICE)
        with pytest.raises(Conflict, match="told us already"):
            feature_tell(instance=entitled, feature=feature("allow-list"), details=self.OFFICE, actor=by_alice)


class TestSwitchingOff:
    @pytest.fixture
    def switched_on(self, customers, by_alice) -> Instance:
        opt_in(customers, by_alice, "batch-changes", "code-insights")
        look()
        end()
        return Instance.objects.get()

    def test_by_wish_is_at_once(self, switched_on, by_alice):
        feature_opt_out(instance=switched_on, feature=feature("batch-changes"), actor=by_alice)
        look()
        end()
        assert on() == ["code-insights"]
        with pytest.raises(Conflict, match="off already"):
            feature_opt_out(instance=switched_on, feature=feature("batch-changes"), actor=by_alice)

    def test_what_has_ended_unannounced_is_told_and_goes_on_for_a_week(self, switched_on, day):
        plan().features.remove(feature("batch-changes"))
        look()
        assert (asked()[1:], set(Mail.objects.values_list("kind", flat=True))) == ([], {"feature-ending"})
        assert OptIn.objects.get(feature="batch-changes").ends_at == BEGIN + 7 * DAY
        day.move_to(BEGIN + 6 * DAY)
        look()
        assert asked()[1:] == []
        day.move_to(BEGIN + 7 * DAY)
        assert look().due_at
        assert asked()[1:] == [["code-insights"]]
        assert AuditEvent.objects.get(action="feature.end").details["feature"] == "batch-changes"

    def test_what_is_entitled_again_goes_on(self, switched_on, day):
        plan().features.remove(feature("batch-changes"))
        look()
        plan().features.add(feature("batch-changes"))
        look()
        assert OptIn.objects.get(feature="batch-changes").ends_at is None
        day.move_to(BEGIN + 8 * DAY)
        look()
        assert asked()[1:] == []

    def test_a_change_of_the_catalogue_restarts_nobody(self, switched_on):
        Feature.objects.filter(pk="batch-changes").update(values={})
        look()
        assert asked()[1:] == []


class TestAGrant:
    @pytest.fixture
    def granted(self, customers, by_alice, ada) -> Instance:
        grant(customers, ada, until=BEGIN + 10 * DAY)
        opt_in(customers, by_alice, "static-address")
        look()
        end()
        return Instance.objects.get()

    def test_is_as_good_as_a_plan(self, granted):
        assert on() == ["static-address"]

    def test_that_ends_is_told_a_week_before_and_once(self, granted, day):
        day.move_to(BEGIN + 3 * DAY - timedelta(seconds=1))
        assert look().due_at == BEGIN + 3 * DAY
        assert not Mail.objects.exists()
        day.move_to(BEGIN + 3 * DAY)
        for _ in range(2):
            look()
        assert Mail.objects.filter(kind="feature-ending").count() == 1
        assert "static-address" in on()

    def test_that_has_ended_switches_off_on_the_day(self, granted, day):
        day.move_to(BEGIN + 4 * DAY)
        look()
        day.move_to(BEGIN + 10 * DAY)
        look()
        assert asked()[1:] == [[]]

    def test_that_is_prolonged_goes_on(self, granted, day):
        day.move_to(BEGIN + 4 * DAY)
        look()
        Grant.objects.update(until=None)
        day.move_to(BEGIN + 11 * DAY)
        look()
        assert asked()[1:] == []


class TestTrouble:
    def test_the_same_is_not_asked_for_again_at_once_and_another_wish_is(self, customers, by_alice, day):
        opt_in(customers, by_alice, "batch-changes")
        look()
        end("undone")
        look()
        assert asked() == [["batch-changes"]]
        opt_in(customers, by_alice, "code-insights")
        look()
        assert asked()[1:] == [["batch-changes", "code-insights"]]
        end("undone")
        day.shift(timedelta(hours=1))
        look()
        assert len(asked()) == 3

    def test_what_cannot_be_made_is_kept_with_its_instance(self, customers, by_alice):
        Feature.objects.filter(pk="batch-changes").update(parts=["teleporter"])
        opt_in(customers, by_alice, "batch-changes")
        assert "no step yet that makes teleporter" in look().error

    @pytest.mark.parametrize("status", ["failed", "stuck"])
    def test_nothing_overtakes_an_operation_that_has_stopped(self, customers, by_alice, status):
        operation_request(instance=customers, kind="upgrade", actor=by_alice)
        end(status)
        opt_in(customers, by_alice, "batch-changes")
        look()
        assert asked() == []

    def test_a_rehearsal_keeps_what_its_original_has(self, customers):
        given = [{"name": "batch-changes", "units": 1, "values": {}, "parts": []}]
        Instance.objects.update(kind="rehearsal", features=given)
        look()
        assert asked() == []

    def test_what_is_suspended_is_left_alone(self, customers, by_alice):
        opt_in(customers, by_alice, "batch-changes")
        Instance.objects.update(status="suspended", suspended_at=clock.now(), suspended_because="by-us")
        look()
        assert asked() == []
