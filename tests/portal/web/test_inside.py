"""What an instance's people are told of what was found inside it."""

import pytest

from portal.core import clock
from portal.web.inside import UNSEEN, UNWELL, WELL, Part, health_view
from provisioning.health.inside.findings import What, degraded, skipped, unknown, well
from provisioning.health.states import Seen, State


def parts(*findings, state=State.DEGRADED) -> list[Part]:
    return health_view(Seen(state, "It is so.", clock.now()), findings).parts


@pytest.mark.parametrize("state", State)
def test_each_state_has_its_words(state):
    seen = health_view(Seen(state, "gitserver-0 is so.", clock.now()), [])
    assert seen.title
    assert "gitserver" not in f"{seen.title} {seen.text}"


def test_components_of_one_part_are_told_of_once():
    components = {
        "indexed-search": "restarts",
        "searcher": "restarts",
        "worker": "restarts",
        "repo-updater": "restarts",
    }
    found = degraded(What.PODS, "…", components=components, restarts={})
    assert [part.name for part in parts(found)] == ["Background work", "Search"]


def test_of_disks_the_fullest_of_each_part_is_told():
    disks = [
        {"name": "a", "percent": 95, "sized_by": "", "gb": 0, "is_full": True},
        {"name": "b", "percent": 90, "sized_by": "sql_disk_gb", "gb": 9, "is_full": True},
        {"name": "c", "percent": 85, "sized_by": "", "gb": 0, "is_full": True},
        {"name": "d", "percent": 20, "sized_by": "", "gb": 0, "is_full": False},
    ]
    assert parts(degraded(What.DISK, "…", disks=disks)) == [
        Part("Database", UNWELL, "Its disk is 90 % full."),
        Part("Other storage", UNWELL, "Its disk is 95 % full."),
    ]
    assert parts(degraded(What.DISK, "…", disks=[])) == [Part("Disk space", UNWELL, "A disk of the cluster is lost.")]


@pytest.mark.parametrize(
    ("finding", "part"),
    [
        (well(What.DATABASE, "…", server="RUNNABLE"), Part("Database", WELL, "It runs, and is backed up.")),
        (degraded(What.DATABASE, "…", server="FAILED"), Part("Database", UNWELL, "It does not run as it should.")),
        (
            degraded(What.DATABASE, "…", server="RUNNABLE"),
            Part("Database", UNWELL, "Its newest backup is older than it should be."),
        ),
        (degraded(What.CERTIFICATE, "…", days_left=1), Part("Certificate", UNWELL, "It is good for 1 more day.")),
        (degraded(What.CERTIFICATE, "…", days_left=0), Part("Certificate", UNWELL, "Browsers do not trust it.")),
        (
            unknown(What.PODS, "…"),
            Part("Application", UNSEEN, "We could not look at it the last time, and will again soon."),
        ),
    ],
)
def test_each_finding_is_a_sentence(finding, part):
    assert parts(finding) == [part]


def test_what_there_is_nothing_to_see_of_is_left_out():
    assert parts(skipped(What.CERTIFICATE, "Not checked.")) == []


@pytest.mark.parametrize("state", [State.UNKNOWN, State.SUSPENDED])
def test_nothing_is_told_of_what_nobody_sees(state):
    assert parts(well(What.DATABASE, "…", server="RUNNABLE"), state=state) == []
