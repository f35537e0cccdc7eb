"""A release goes bad at the second stage of a rollout to a whole fleet. Run by bin/bench beside a running stack.

The frontend of the new version crashes wherever it is started once the first stage has passed. Its gate must stop the
rollout, failed upgrades go back by themselves, and one decision takes back what was done. Each figure must be 0:
touched_beyond: operations on instances of later stages; not_back: instances that have another version than before, by
their row or by what answers; failed_probes_untouched: looks from outside that failed, of whoever was not touched.
"""

import argparse
import json
import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.db.models import Max, Sum  # noqa: E402

from portal.core.audit import Actor  # noqa: E402
from provisioning.clients.application import Application, NoAnswer  # noqa: E402
from provisioning.models import (  # noqa: E402
    Instance,
    Kind,
    Operation,
    ProbeTally,
    Rollout,
    RolloutMember,
    RolloutPolicy,
    RolloutStage,
)
from provisioning.models.operations import LIVE  # noqa: E402
from provisioning.services.rollouts import rollout_create, rollout_roll_back, rollout_start  # noqa: E402
from tools.benchmarks.copies import control, copies_of  # noqa: E402
from tools.benchmarks.fleet import actor  # noqa: E402
from tools.benchmarks.upgrades import GLANCE_SECONDS, NEW, await_status, newer_release, provisioned, say  # noqa: E402

SPEED = 10.0
INTERNAL_IN = 50  # one of so many is internal
BAD = {"kind": "Deployment", "name": "sourcegraph-frontend", "behaviour": "crash_loop", "image_tag": NEW}
REASON = "To be measured."


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000, help="instances")
    count = parser.parse_args().count
    organization, by = actor()
    first = provisioned(organization, by)
    copies_of(first, count - 1)
    before = first.release.app_version
    internal = Instance.objects.order_by("pk").values_list("pk", flat=True)[: max(1, count // INTERNAL_IN)]
    Instance.objects.filter(pk__in=list(internal)).update(kind=Kind.INTERNAL)
    Operation.objects.all().delete()
    control("PUT", "profile", {"speed": SPEED})
    rollout = _rolled_out(by)
    paused = _paused_in_the_second_stage(rollout)
    rollout_roll_back(rollout=rollout, actor=by, reason=REASON)
    rollout.refresh_from_db()
    await_status(rollout, Rollout.Status.ROLLED_BACK)
    print(json.dumps({"instances": count, **paused, **_verdict(rollout, before)}))  # noqa: T201


def _rolled_out(by: Actor) -> Rollout:
    """Its four stages are those that minor releases have, without their rests."""
    policy = RolloutPolicy.objects.create(name="without-rests", title="Without rests", most_at_once=1_000)
    for position, percent in enumerate((0, 10, 40, 100), start=1):
        policy.stages.create(position=position, name=f"{percent} %", trial_percent=percent, customer_percent=percent)
    rollout = rollout_create(
        release=newer_release(by), policy=policy, is_emergency=True, actor=by, reason="Whatever the hour."
    )
    return rollout_start(rollout=rollout, actor=by, reason=REASON)


def _paused_in_the_second_stage(rollout: Rollout) -> dict[str, object]:
    """The release is bad from the moment at which the first stage has passed; everything under way has ended."""
    first, second = rollout.stages.order_by("position")[:2]
    while first.status != RolloutStage.Status.PASSED:
        time.sleep(GLANCE_SECONDS / 5)
        first.refresh_from_db()
    control("POST", "kubernetes/behaviour", BAD)
    began = time.monotonic()
    while rollout.status == Rollout.Status.RUNNING:
        time.sleep(GLANCE_SECONDS)
        rollout.refresh_from_db()
    seconds = time.monotonic() - began
    say(f"paused after {seconds:.0f} s: {rollout.paused_because}")
    while Operation.objects.filter(status__in=LIVE).exists():
        time.sleep(GLANCE_SECONDS)
    failed = second.members.filter(status=RolloutMember.Status.FAILED)
    return {
        "stage_one": first.members.count(),
        "stage_two": second.members.count(),
        "failed": failed.count(),
        "went_back_by_themselves": failed.filter(operation__status="undone").count(),
        "paused_after_seconds": round(seconds, 1),
        "is_paused": rollout.status == Rollout.Status.PAUSED,
    }


def _verdict(rollout: Rollout, before: str) -> dict[str, object]:
    touched = list(Operation.objects.values_list("instance_id", flat=True).distinct())
    beyond = rollout.members.filter(stage__position__gt=2, instance__operations__isnull=False)
    untouched = ProbeTally.objects.exclude(instance__in=touched)
    probes = untouched.aggregate(probes=Sum("probes", default=0), failed=Sum("failed", default=0))
    return {
        "untouched": Instance.objects.exclude(pk__in=touched).count(),
        "touched_beyond": beyond.distinct().count(),
        "not_back": sum(not _is_back(instance, before) for instance in Instance.objects.select_related("release")),
        "probes_untouched": probes["probes"],
        "failed_probes_untouched": probes["failed"],
        "downtime_seconds_most": Operation.objects.aggregate(most=Max("downtime_seconds"))["most"],
    }


def _is_back(instance: Instance, before: str) -> bool:
    with Application(instance.domain) as application:
        try:
            application.check_health()
            answers = application.version()
        except NoAnswer as error:
            say(f"{instance.slug} does not answer: {error}")
            return False
    return (instance.release.app_version, answers) == (before, before)


if __name__ == "__main__":
    main()
