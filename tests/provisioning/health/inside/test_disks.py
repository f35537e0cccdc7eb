"""How full disks are found to be."""

import pytest

from provisioning.health.inside.disks import look_at_disks
from provisioning.health.inside.findings import Verdict
from provisioning.steps.disks import DISKS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.helm]


def fill(devcloud, subject, disk: str, utilization: float | None) -> None:
    devcloud.control("PUT", "disks", {"project": subject.spec.id, "disk": disk, "utilization": utilization})


def test_as_full_as_usual_is_well(subject):
    found = look_at_disks(subject)
    assert (found.state, found.sentence) == (
        Verdict.WELL,
        "The fullest, the database server's disk, is 35 % full.",
    )
    assert {disk["sized_by"] for disk in found.figures["disks"]} == {
        "sql_disk_gb",
        "gitserver_disk_gb",
        "search_disk_gb",
        "",
    }


def test_beyond_four_fifths_it_is_filling_up(devcloud, subject):
    fill(devcloud, subject, "repos-gitserver-0", 0.8)
    assert look_at_disks(subject).state == Verdict.WELL
    fill(devcloud, subject, "repos-gitserver-0", 0.86)
    found = look_at_disks(subject)
    assert (found.state, found.sentence) == (Verdict.DEGRADED, "the volume repos of gitserver-0 is 86% full.")
    fullest = found.figures["disks"][0]
    assert (fullest["percent"], fullest["sized_by"]) == (86, "gitserver_disk_gb")
    assert fullest["gb"] == subject.spec.size.gitserver_disk_gb


def test_a_database_s_disk_says_how_large_it_has_grown_by_itself(devcloud, subject):
    fill(devcloud, subject, f"sql-{subject.spec.id}", 0.95)
    fullest = look_at_disks(subject).figures["disks"][0]
    assert (fullest["sized_by"], fullest["gb"]) == ("sql_disk_gb", subject.spec.size.sql_disk_gb)


def test_where_monitoring_knows_of_none_nothing_is_said(devcloud, subject):
    for disk in (f"sql-{subject.spec.id}", *(disk.claim for disk in DISKS)):
        fill(devcloud, subject, disk, None)
    assert look_at_disks(subject).state == Verdict.UNKNOWN


@pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
def test_of_a_brought_cluster_it_is_not_checked(subject):
    found = look_at_disks(subject)
    assert (found.state, found.sentence[:12]) == (Verdict.SKIPPED, "Not checked:")
