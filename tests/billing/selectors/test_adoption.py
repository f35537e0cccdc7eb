"""Who may use features, wants them and uses them: as many queries for a thousand instances as for one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Feature, Grant, OptIn, Status
from billing.selectors.adoption import Adopted, Chosen, adoption
from billing.selectors.entitlements import entitlements_by_instance, entitlements_of
from portal.core import clock
from portal.core.models import Organization
from provisioning.models import Instance, Release, Size, Usage
from tests.billing.mirror import subscribe

pytestmark = pytest.mark.django_db


@pytest.fixture
def built(acme, alice, on_offer):
    """So many running instances of acme's. Of the columns one may be told apart by number."""

    def make(count: int, prefix: str = "i", **columns) -> list[Instance]:
        size, release = Size.objects.get(pk="s"), Release.objects.latest("released_at")
        usual = {"kind": "production", "status": "running", "ready_at": "2026-11-20T00:00:00Z"}
        return Instance.objects.bulk_create(
            Instance(
                organization=acme, slug=f"{prefix}-{number}", domain=f"{prefix}-{number}.example", size=size,
                release=release, admin_email=alice.email, created_by=alice, **{**usual, **columns},
            )
            for number in range(count)
        )  # fmt: skip

    return make


def grant(instances, name, by) -> None:
    Grant.objects.bulk_create(
        Grant(instance=each, feature_id=name, reason="a test", granted_by=by) for each in instances
    )


def opt_in(instances, name) -> None:
    OptIn.objects.bulk_create(OptIn(instance=each, feature_id=name) for each in instances)


def count(instances, open_changes, days=0) -> None:
    day = clock.now().date() - timedelta(days=days)
    figures = {"seats": 3, "batch_changes": open_changes}
    Usage.objects.bulk_create(Usage(instance=each, day=day, figures=figures) for each in instances)


def of(name: str, **chosen) -> Adopted:
    return next(each for each in adoption(Chosen(**chosen), clock.now()).features if each.name == name)


def test_each_is_a_part_of_the_one_before(built, sam):
    some = built(6)
    grant(some[:5], "batch-changes", sam)
    opt_in(some[1:], "batch-changes")
    count(some[2:4], 7)
    count(some[4:6], 0)
    found = of("batch-changes")
    assert (found.entitled, found.opted_in, found.told, found.used) == (5, 4, 3, 2)
    assert found.opted_in_share == 0.8
    assert found.used_share == 2 / 3


def test_what_nothing_counts_is_said_to_be_unknown(built, sam):
    some = built(2)
    grant(some, "code-insights", sam)
    opt_in(some, "code-insights")
    count(some, 7)
    found = of("code-insights")
    assert (found.opted_in, found.told, found.used, found.used_share) == (2, None, None, None)


def test_a_count_of_long_ago_says_nothing_of_now(built, sam):
    some = built(1)
    grant(some, "batch-changes", sam)
    opt_in(some, "batch-changes")
    count(some, 7, days=7)
    assert of("batch-changes").told == 0
    count(some, 0, days=6)
    assert (of("batch-changes").told, of("batch-changes").used) == (1, 0)


def test_plans_and_trials_entitle_too(built, acme):
    [paying], [trying] = built(1), built(1, "t", kind="trial", trial_ends_at=clock.now() + timedelta(days=3))
    subscribe(paying, {"business-month-usd-1": 50})
    assert of("batch-changes", plan="business").entitled == 1
    assert of("batch-changes", plan="trial").entitled == 1
    assert of("batch-changes").entitled == 2
    assert adoption(Chosen(), clock.now()).plans == ["business", "trial"]
    assert trying.kind == "trial"


def test_it_is_told_by_channel_and_by_the_month_of_the_start(built, sam):
    early, stable = built(2, "e", channel="early", ready_at="2026-09-30T23:59:00Z"), built(3, "s")
    grant([*early, *stable], "batch-changes", sam)
    opt_in(early, "batch-changes")
    assert of("batch-changes", channel="early").entitled == 2
    assert of("batch-changes", cohort="2026-11").entitled == 3
    assert of("batch-changes", cohort="2026-11", channel="early").entitled == 0
    found = adoption(Chosen(cohort="2026-11"), clock.now())
    assert found.instances == 3
    assert [(each.month, each.instances, each.entitled, each.opted_in) for each in found.by_cohort] == [
        ("2026-09", 2, 2, 2),
        ("2026-11", 3, 3, 0),
    ]
    assert (found.channels, found.cohorts) == (["early", "stable"], ["2026-09", "2026-11"])


def test_only_what_is_built_and_a_customers_counts(built, sam):
    living = built(1, "a", status="suspended", suspended_at=clock.now(), suspended_because="payment")
    others = [*built(1, "b", status="pending"), *built(1, "c", status="deleted"), *built(1, "d", kind="internal")]
    grant([*living, *others], "batch-changes", sam)
    assert of("batch-changes").entitled == 1
    Organization.objects.update(is_synthetic=True)
    assert adoption(Chosen(), clock.now()).instances == 0


def test_drafts_are_not_told_of(on_offer):
    Feature.objects.filter(pk="assistant").update(status=Status.DRAFT)
    assert "assistant" not in {each.name for each in adoption(Chosen(), clock.now()).features}


def test_many_are_entitled_to_what_each_is(built, sam, globex):
    some = built(3)
    trials = built(1, "t", kind="trial", trial_ends_at=clock.now() + timedelta(days=3))
    Instance.objects.update(organization=globex)
    ended = built(1, "u", kind="trial", trial_ends_at=clock.now() - timedelta(days=3))
    subscribe(some[0], {"business-month-usd-1": 50, "code-insights-month-usd-1": 50})
    grant(some[1:], "executors", sam)
    everyone = list(Instance.objects.all())
    now = clock.now()
    assert len(everyone) == len([*some, *trials, *ended])
    assert entitlements_by_instance(everyone, now) == {each.pk: entitlements_of(each, now) for each in everyone}


def test_it_takes_the_same_queries_for_a_thousand(built, sam):
    def ask() -> int:
        with CaptureQueriesContext(connection) as captured:
            adoption(Chosen(), clock.now())
        return len(captured)

    [first] = built(1)
    subscribe(first, {"business-month-usd-1": 50})
    grant([first], "executors", sam)
    few = ask()
    some = built(1_000, "m")
    grant(some, "batch-changes", sam)
    opt_in(some, "batch-changes")
    count(some, 1)
    assert ask() == few <= 11
    assert of("batch-changes").used == 1_000
