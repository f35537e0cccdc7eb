"""Lives of instances as rows and operations tell them: for a whole page in one query."""

from dataclasses import replace
from datetime import datetime

import pytest

from billing.selectors.lives import lives_of
from provisioning.models import Instance, Size
from provisioning.spec import FeatureSpec, SizeSpec, spec_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance(trial: Instance) -> Instance:
    trial.status, trial.ready_at = "running", "2026-10-01T00:00:00Z"
    trial.save()
    trial.refresh_from_db()
    return trial


def done(instance, kind, day, size="xs", *, is_suspended=False, status="succeeded") -> None:
    spec = replace(spec_of(instance), size=SizeSpec.of(Size.objects.get(pk=size)), is_suspended=is_suspended)
    at = f"2026-{day}T00:00:00Z"
    instance.operations.create(kind=kind, status=status, wanted=spec.as_json(), finished_at=at)


def told(instance) -> list[tuple[str, str, bool]]:
    """Since which day, of which size, suspended or not."""
    life = lives_of([Instance.objects.select_related("size").get(pk=instance.pk)])[instance.pk]
    return [(f"{each.since:%m-%d}", each.state.size.name, each.state.is_suspended) for each in life]


def test_operations_that_succeeded_tell_the_life(instance):
    done(instance, "provision", "10-01")
    done(instance, "resize", "10-10", "m")
    done(instance, "suspend", "10-20", "m", is_suspended=True)
    done(instance, "resume", "10-25", "m")
    assert told(instance) == [
        ("10-01", "xs", False),
        ("10-10", "m", False),
        ("10-20", "m", True),
        ("10-25", "m", False),
    ]


def test_executors_count_from_when_they_were_switched_on(instance):
    done(instance, "provision", "10-01")
    instance.features = [FeatureSpec("executors", 3, parts=("executors",)).as_json(), FeatureSpec("tea", 9).as_json()]
    done(instance, "apply-features", "10-10")
    life = lives_of([Instance.objects.select_related("size").get(pk=instance.pk)])[instance.pk]
    assert [each.state.executors for each in life] == [0, 3]


def test_a_standby_counts_until_it_takes_over_and_again_once_it_is_set_up(instance):
    done(instance, "provision", "10-01")
    instance.features = [FeatureSpec("second-home", parts=("standby",)).as_json()]
    done(instance, "apply-features", "10-10")
    instance.takeovers, instance.lost_region = 1, "us-east1"
    done(instance, "takeover", "10-20")
    instance.lost_region = ""
    done(instance, "apply-features", "10-25")
    life = lives_of([Instance.objects.select_related("size").get(pk=instance.pk)])[instance.pk]
    assert [each.state.has_standby for each in life] == [False, True, False, True]


@pytest.mark.parametrize("status", ["failed", "undone", "cancelled", "stuck"])
def test_what_did_not_succeed_has_changed_nothing(instance, status):
    done(instance, "provision", "10-01")
    done(instance, "resize", "10-10", "m", status=status)
    assert told(instance) == [("10-01", "xs", False)]


def test_disks_that_have_grown_beyond_the_size_count(instance):
    instance.disk_floor_gb = {"gitserver_disk_gb": 999}
    instance.save()
    life = lives_of([Instance.objects.select_related("size").get()])[instance.pk]
    assert life[0].state.size.gitserver_disk_gb == 999


def test_what_was_deleted_has_an_end(instance):
    instance.status, instance.deleted_at = "deleted", "2026-10-20T00:00:00Z"
    instance.save()
    life = lives_of([Instance.objects.select_related("size").get()])[instance.pk]
    assert life[-1].until == datetime.fromisoformat("2026-10-20T00:00:00+00:00")


def test_many_take_one_query(instance, django_assert_num_queries):
    done(instance, "provision", "10-01")
    several = list(Instance.objects.select_related("size")) * 30
    with django_assert_num_queries(1):
        lives_of(several)
