"""What the rules find of what was found inside instances."""

from datetime import timedelta

import pytest
import time_machine

from portal.core import clock
from provisioning.health import inside_measures  # noqa: F401 - its measures are registered
from provisioning.health.inside.findings import Finding, What, degraded, unknown, well
from provisioning.health.measures import measured
from provisioning.models import Alert, AlertRule, Health, Instance

pytestmark = pytest.mark.django_db
UNWELL = degraded(What.PODS, "gitserver-0 ran out of memory.", components={"gitserver": "ran"}, restarts={})
AGO = timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def inside(stand):
    """Makes an instance of which that was found a moment ago."""

    def make(*findings: Finding, slug: str = "acme", **columns) -> Instance:
        made: Instance = stand(slug, ready_at=clock.now() - timedelta(days=9))
        found = [finding.as_json() for finding in findings]
        Health.objects.create(instance=made, **{"checked_at": clock.now(), "findings": found, **columns})
        return made

    return make


def found(key: str, threshold: float) -> list[str]:
    return [each.sentence for each in measured(key, threshold, clock.now()).values()]


def disk(percent: int) -> Finding:
    figures = {"name": "the volume repos", "percent": percent, "sized_by": "gitserver_disk_gb", "gb": 50}
    return well(What.DISK, "…", disks=[{**figures, "is_full": percent > 80}])


def database(backup: timedelta | None, runs: timedelta = timedelta(days=9)) -> Finding:
    now = clock.now()
    backup_at = (now - backup).isoformat() if backup is not None else None
    return well(What.DATABASE, "…", server="RUNNABLE", backup_at=backup_at, runs_since=(now - runs).isoformat())


def test_pods_that_are_not_well(inside):
    inside(UNWELL)
    assert found("pods-unwell", 1) == ["acme: gitserver-0 ran out of memory."]
    assert found("pods-unwell", 2) == []


def test_pods_of_who_is_being_changed_come_and_go(inside, operate):
    change = operate(inside(UNWELL))
    assert found("pods-unwell", 1) == []
    change.status = "succeeded"
    change.save()
    assert len(found("pods-unwell", 1)) == 1


@pytest.mark.parametrize(("percent", "count"), [(89, 0), (90, 1), (100, 1)])
def test_a_disk_that_is_full_enough(inside, percent, count):
    inside(disk(percent))
    assert found("disk-filling", 90) == [f"acme: the volume repos is {percent} % full."] * count


@pytest.mark.parametrize(
    ("finding", "count"),
    [
        ((timedelta(hours=30),), 0),
        ((timedelta(hours=36),), 1),
        ((None,), 1),
        ((None, timedelta(hours=30)), 0),
        ((timedelta(days=9), timedelta(hours=2)), 0),
    ],
)
def test_a_backup_that_is_too_old_for_how_long_it_ran(inside, finding, count):
    inside(database(*finding))
    assert len(found("backup-missing", 36)) == count


def test_a_backup_grows_old_between_two_looks(inside, noon):
    inside(database(timedelta(hours=35)))
    noon.shift(3_600)
    assert found("backup-missing", 36) == ["acme: its databases have had no good backup for 36 h."]


def test_a_certificate_that_ends_soon_or_is_not_trusted(inside):
    ends = [clock.now() + timedelta(days=days) for days in (8, 6)]
    inside(well(What.CERTIFICATE, "good until the 2nd", days_left=8, ends_at=ends[0].isoformat()))
    inside(degraded(What.CERTIFICATE, "good until the 30th", days_left=6, ends_at=ends[1].isoformat()), slug="b")
    inside(degraded(What.CERTIFICATE, "not valid", days_left=0, ends_at=None), slug="c")
    assert sorted(found("certificate-expiring", 7)) == ["b: good until the 30th", "c: not valid"]


def test_whoever_has_not_been_seen_for_an_hour(inside, stand):
    inside()
    inside(slug="late", checked_at=clock.now() - AGO - timedelta(seconds=1), error="pods: no answer.")
    inside(slug="never", checked_at=None)
    stand("rowless", ready_at=clock.now() - 2 * AGO)
    stand("new", ready_at=clock.now())
    assert sorted(found("health-unknown", 3_600)) == [
        "late has not been seen whole from inside since 10:59 UTC. pods: no answer.",
        "never has never been seen whole from inside.",
        "rowless has never been seen whole from inside.",
    ]


def test_what_could_not_be_seen_the_last_time_neither_begins_nor_ends(inside):
    blind = inside(unknown(What.PODS, "no answer"))
    assert found("pods-unwell", 1) == []
    rule = AlertRule.objects.get(pk="pods-unwell")
    Alert.objects.create(rule=rule, subject=blind.pk, instance=blind, sentence="It was so.", opened_at=clock.now())
    assert found("pods-unwell", 1) == ["It was so."]


@pytest.mark.parametrize("key", ["pods-unwell", "disk-filling", "backup-missing", "certificate-expiring"])
def test_of_what_is_suspended_nothing_is_found(inside, key):
    inside(UNWELL, disk(99), database(None), degraded(What.CERTIFICATE, "…", days_left=0, ends_at=None))
    assert len(found(key, 1)) == 1
    Instance.objects.update(status="suspended", suspended_at=clock.now(), suspended_because="by-us")
    assert found(key, 1) == []


def test_takes_the_same_queries_for_all(inside, django_assert_num_queries):
    for number in range(10):
        inside(UNWELL, disk(99), database(None), slug=f"s{number}")
    for key in ("pods-unwell", "disk-filling", "backup-missing"):
        with django_assert_num_queries(2):
            assert len(found(key, 1)) == 10


@pytest.mark.parametrize(("lag", "count"), [(299.0, 0), (300.0, 1), (None, 1)])
def test_a_standby_that_is_behind_or_not_there(inside, lag, count):
    inside(degraded(What.STANDBY, "It is behind.", lag_seconds=lag, volumes_at=None))
    assert found("standby-behind", 300) == ["acme: It is behind."] * count


def test_who_has_lost_a_region_has_no_standby_until_it_is_set_up_again(inside):
    made = inside()
    Instance.objects.filter(pk=made.pk).update(takeovers=1, lost_region="us-central1")
    assert found("standby-behind", 300) == ["acme: it has no standby since it took over from us-central1."]
