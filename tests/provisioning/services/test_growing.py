"""A disk grows by half, so many times, and no further than four times what the size has of itself."""

import pytest

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import AlertRule, Health, Instance, Operation, Size
from provisioning.services.growing import grown, instance_grow_disk, larger
from provisioning.services.healing import HEALER, alerts_heal
from tests.provisioning.health.conftest import operate, stand

__all__ = ["operate", "stand"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def full(stand, catalogue) -> Instance:
    """An instance whose gitserver is full, and an open alert that says so."""
    made: Instance = stand()
    Size.objects.update(gitserver_disk_gb=50)
    gitserver = {"name": "repos", "percent": 95, "sized_by": "gitserver_disk_gb", "gb": 50, "is_full": True}
    tell(made, gitserver)
    rule = AlertRule.objects.get(pk="disk-filling")
    made.alerts.create(rule=rule, subject=made.pk, sentence="It is 95 % full.", opened_at=made.created_at)
    made.refresh_from_db()
    return made


def tell(instance: Instance, *disks: dict[str, object]) -> None:
    finding = {"what": "disk", "state": "degraded", "sentence": "…", "figures": {"disks": disks}}
    Health.objects.update_or_create(instance=instance, defaults={"findings": [finding]})


@pytest.mark.parametrize(
    ("has", "own", "to"), [(50, 50, 80), (80, 50, 120), (60, 50, 90), (150, 50, 200), (200, 50, 200)]
)
def test_by_half_up_to_the_next_ten_and_four_times_at_most(has, own, to):
    assert larger(has, own) == to


def test_it_is_a_resize_to_the_same_size_with_from_and_to_in_the_audit(full):
    operation = instance_grow_disk(
        instance=full, disk="gitserver_disk_gb", has_gb=50, actor=HEALER, reason="It is full."
    )
    assert (operation.kind, operation.wanted["size"]["gitserver_disk_gb"]) == ("resize", 80)
    assert operation.wanted["size"]["name"] == full.size_id
    event = AuditEvent.objects.get(action="instance.grow-disk")
    assert (event.actor_label, event.reason) == ("self-healing", "It is full.")
    assert event.details == {"disk": "gitserver_disk_gb", "from": 50, "to": 80}


def test_it_goes_on_from_what_it_has_grown_to(full):
    Instance.objects.update(disk_floor_gb={"gitserver_disk_gb": 120})
    full.refresh_from_db()
    assert grown(full, "gitserver_disk_gb", 50).size.gitserver_disk_gb == 180
    assert grown(full, "gitserver_disk_gb", 180).size.gitserver_disk_gb == 200


def test_no_further_than_four_times_its_own(full):
    with pytest.raises(Conflict, match="4 times"):
        grown(full, "gitserver_disk_gb", 200)


def test_a_disk_of_no_size_does_not(full):
    with pytest.raises(Invalid):
        grown(full, "redis", 10)


class TestHealing:
    def test_grows_the_fullest(self, full):
        assert alerts_heal() == 1
        operation = Operation.objects.get()
        assert (operation.kind, operation.wanted["size"]["gitserver_disk_gb"]) == ("resize", 80)
        assert full.alerts.get().healed_at is not None
        assert alerts_heal() == 0

    def test_ends_after_so_many_a_day(self, full, operate):
        for _ in range(2):
            operate(full, "resize", status="succeeded")
        assert alerts_heal() == 0

    def test_counts_resizes_and_not_repairs(self, full, operate):
        for _ in range(2):
            operate(full, "repair", status="succeeded")
        assert alerts_heal() == 1

    def test_leaves_the_alert_where_no_disk_may_grow(self, full):
        Instance.objects.update(disk_floor_gb={"gitserver_disk_gb": 200})
        assert (alerts_heal(), Operation.objects.count()) == (0, 0)
        tell(full, {"name": "redis", "percent": 99, "sized_by": "", "gb": 0, "is_full": True})
        assert (alerts_heal(), Operation.objects.count()) == (0, 0)
        Health.objects.all().delete()
        assert (alerts_heal(), full.alerts.get().healed_at) == (0, None)

    def test_waits_for_whoever_changes_it(self, full, operate):
        change = operate(full)
        assert alerts_heal() == 0
        Operation.objects.filter(pk=change.pk).update(status="succeeded")
        assert alerts_heal() == 1
