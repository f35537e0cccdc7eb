"""A disk that fills up is found, told of, grown and well again, with nobody's help."""

import pytest

from portal.core import clock
from provisioning.models import Alert, Health, Operation
from provisioning.services.alerts import alerts_look
from provisioning.services.rounds import health_go_on
from tests.provisioning.workflows.harness import assert_succeeded, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.helm]


@pytest.mark.parametrize(
    ("sized_by", "disk"), [("gitserver_disk_gb", "repos-gitserver-0"), ("sql_disk_gb", "sql-{instance}")]
)
def test_it_heals_itself(running, devcloud, sized_by, disk):
    def fill(utilization: float) -> None:
        told = {"project": running.pk, "disk": disk.format(instance=running.pk), "utilization": utilization}
        devcloud.control("PUT", "disks", told)

    fill(0.93)
    health_go_on()
    alerts_look()
    alert = Alert.objects.get(rule="disk-filling")
    assert "93 % full" in alert.sentence
    operation = Operation.objects.get(kind="resize")
    assert_succeeded(run(operation))
    running.refresh_from_db()
    own, floor = getattr(running.size, sized_by), running.disk_floor_gb[sized_by]
    assert own * 1.5 <= floor < own * 1.5 + 10
    fill(0.62)
    assert Health.objects.filter(due_at__lte=clock.now()).exists(), "the end of the operation asks for a look"
    health_go_on()
    assert (Health.objects.get().state, Operation.objects.filter(kind="resize").count()) == ("healthy", 1)
