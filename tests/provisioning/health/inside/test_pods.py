"""What pods are found to be in trouble, on Google's cluster and on a brought one."""

from dataclasses import replace

import pytest

from provisioning.health.inside.findings import Verdict, What
from provisioning.health.inside.pods import look_at_pods

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated", "byok"], indirect=True),
]
GITSERVER = {"kind": "StatefulSet", "name": "gitserver"}


def behave(devcloud, behaviour: str, **workload: str) -> None:
    devcloud.control("POST", "kubernetes/behaviour", {**(workload or GITSERVER), "behaviour": behaviour})


def test_all_is_well_in_one_that_has_just_come_up(subject):
    found = look_at_pods(subject)
    assert (found.what, found.state, found.figures["components"]) == (What.PODS, Verdict.WELL, {})


def test_one_that_is_not_ready_has_five_minutes(devcloud, subject, later):
    behave(devcloud, "never_ready")
    assert later(look_at_pods, subject, minutes=4).state == Verdict.WELL
    found = later(look_at_pods, subject, minutes=7)
    assert found.state == Verdict.DEGRADED
    assert found.sentence.startswith("gitserver-0 has not been ready for ")
    assert found.figures["components"].keys() == {"gitserver"}


def test_one_that_keeps_crashing_is_told_with_its_reason(devcloud, subject):
    behave(devcloud, "crash_loop")
    found = look_at_pods(subject)
    assert found.sentence == "gitserver-0 restarted 5 times within the hour: CrashLoopBackOff."


def test_restarts_of_long_ago_do_not_count(devcloud, subject, later):
    behave(devcloud, "crash_loop")
    first = look_at_pods(subject)
    known = replace(subject, before={What.PODS: first})
    assert later(look_at_pods, known, minutes=50).sentence.startswith("gitserver-0 restarted 5 times")
    after_hours = later(look_at_pods, known, hours=3)
    assert "restarted" not in after_hours.sentence
    assert after_hours.sentence.startswith("gitserver-0 has not been ready for 18")


def test_one_that_ran_out_of_memory_is_told_for_an_hour(devcloud, subject, later):
    behave(devcloud, "out_of_memory")
    found = look_at_pods(subject)
    assert (found.state, found.sentence) == (Verdict.DEGRADED, "gitserver-0 ran out of memory.")
    assert later(look_at_pods, subject, minutes=61).state == Verdict.WELL


def test_it_is_well_again_afterwards(devcloud, subject):
    behave(devcloud, "crash_loop")
    before = look_at_pods(subject)
    behave(devcloud, "normal")
    found = look_at_pods(replace(subject, before={What.PODS: before}))
    assert found.state == Verdict.WELL


def test_jobs_that_failed_are_not_pods_that_serve(devcloud, subject, later):
    behave(devcloud, "job_fails", kind="Job", name="*")
    assert later(look_at_pods, subject, minutes=30).state == Verdict.WELL
