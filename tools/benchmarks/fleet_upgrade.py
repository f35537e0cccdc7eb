"""A release is brought to a whole fleet in one stage. Run by bin/bench beside a running stack.

makespan_ratio: the time from the start of the rollout to its end over the limit: the larger of the CPU time that Helm
and the stand-ins took, divided by the cores, and of one instance's longest path, measured alone before.
against_loop: `xargs -P 4 helm upgrade --wait`, run on a few more instances and scaled to as many, over the same time.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

import psutil  # noqa: E402 - Django has to be set up first
import yaml  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db.models import Max, Min, QuerySet, Sum  # noqa: E402

from portal.core.audit import Actor  # noqa: E402
from provisioning.engine.graph import longest_path  # noqa: E402
from provisioning.models import (  # noqa: E402
    Channel,
    Instance,
    Operation,
    ProbeTally,
    Release,
    Rollout,
    RolloutPolicy,
    Step,
)
from provisioning.services import instance_upgrade  # noqa: E402
from provisioning.services.rollouts import rollout_create, rollout_start  # noqa: E402
from provisioning.spec import InstanceSpec, spec_of  # noqa: E402
from provisioning.steps import names  # noqa: E402
from provisioning.steps.cluster_access import kubeconfig_for  # noqa: E402
from provisioning.steps.release import wanted_values  # noqa: E402
from tools.benchmarks.copies import control, copies_of  # noqa: E402
from tools.benchmarks.fleet import actor  # noqa: E402
from tools.benchmarks.upgrades import NEW, await_status, ended, newer_release, provisioned, say  # noqa: E402

AS_IN_LIFE = 1.0
ROLLOUT_SECONDS = {"kubernetes.deployment": 60.0, "kubernetes.statefulset": 60.0}
AT_ONCE_IN_THE_LOOP, LOOPED = 4, 20
PROCESSES = {"devcloud": "devcloud", "worker": "workers", "beat": "beat", "probe": "prober"}  # by a word they bear
HELM_TIMES = re.compile(r"(\d+)m([\d.]+)s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=250, help="instances")
    count = parser.parse_args().count
    organization, by = actor()
    first = provisioned(organization, by)
    copies = copies_of(first, count + LOOPED)
    fleet, alone, looped = [first, *copies[: count - 1]], copies[count - 1], copies[count:]
    Instance.objects.filter(pk__in=[each.pk for each in [alone, *looped]]).update(channel=Channel.PAUSED)
    control("PUT", "profile", {"speed": AS_IN_LIFE, "durations": ROLLOUT_SECONDS})
    release = newer_release(by)
    path, path_seconds = _alone(alone, release, by)
    say(f"one: longest path {path_seconds:.1f} s: {' > '.join(path)}")
    result = {"longest_path_seconds": round(path_seconds, 1), **_together(release, by, path_seconds)}
    loop_seconds = _loop([spec_of(instance) for instance in looped]) * len(fleet) / LOOPED
    say(f"a loop over as many would take {loop_seconds:.0f} s")
    result |= {"against_loop": round(loop_seconds / result["makespan_seconds"], 2), "instances": len(fleet)}
    print(json.dumps(result))  # noqa: T201


def _alone(instance: Instance, release: Release, by: Actor) -> tuple[list[str], float]:
    operation = ended(instance_upgrade(instance=instance, release=release, actor=by))
    took = {
        step.name: (step.finished_at - step.started_at).total_seconds()
        for step in operation.steps.all()
        if step.finished_at and step.started_at
    }
    return longest_path({step.name: step.needs for step in operation.steps.all()}, took)


def _together(release: Release, by: Actor, path_seconds: float) -> dict[str, Any]:
    policy = RolloutPolicy.objects.create(name="all-at-once", title="All at once", most_at_once=10_000)
    policy.stages.create(position=1, name="all", internal_percent=100, trial_percent=100, customer_percent=100)
    rollout = rollout_create(release=release, policy=policy, is_emergency=True, actor=by, reason="To be measured.")
    before = _cpu_seconds()
    rollout_start(rollout=rollout, actor=by, reason="To be measured.")
    await_status(rollout, Rollout.Status.SUCCEEDED)
    spent = {name: seconds - before[name] for name, seconds in _cpu_seconds().items()}
    operations = Operation.objects.filter(rollout_members__rollout=rollout)
    times = operations.aggregate(begun=Min("created_at"), ended=Max("finished_at"))
    makespan = _between(times["begun"], times["ended"])
    limit = max((spent["helm"] + spent["devcloud"]) / (os.cpu_count() or 1), path_seconds)
    probes = ProbeTally.objects.aggregate(probes=Sum("probes"), failed=Sum("failed"))
    _say_when(operations, times["begun"])
    say(f"{operations.count()} together: {makespan:.0f} s, limit {limit:.0f} s; CPU seconds: {spent}")
    return {
        "makespan_ratio": round(makespan / limit, 3),
        "makespan_seconds": round(makespan, 1),
        "limit_seconds": round(limit, 1),
        **{f"{name}_cpu_seconds": round(seconds, 1) for name, seconds in spent.items()},
        "succeeded": operations.filter(status="succeeded").count(),
        "downtime_seconds_most": operations.aggregate(most=Max("downtime_seconds"))["most"],
        **probes,
    }


def _say_when(operations: QuerySet[Operation], begun: datetime) -> None:
    """Between when and when each step was worked on or waited for, by anybody."""
    steps = Step.objects.filter(operation__in=operations).values("name", "position").order_by("position")
    for step in steps.annotate(first=Min("started_at"), last=Max("finished_at")):
        say(f"  {step['name']}: {_between(begun, step['first']):.0f} to {_between(begun, step['last']):.0f} s")


def _cpu_seconds() -> dict[str, float]:
    """Of Helm as its wrapper noted it; of the others their own, as the kernel counts it."""
    helm = sum(int(m) * 60 + float(s) for m, s in HELM_TIMES.findall(Path(os.environ["BENCH_HELM_TIMES"]).read_text()))
    spent = {"helm": helm, **dict.fromkeys(PROCESSES.values(), 0.0)}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        for word in PROCESSES.keys() & words:
            spent[PROCESSES[word]] += sum(process.cpu_times()[:2])
    return spent


def _loop(specs: Sequence[InstanceSpec]) -> float:
    """How long the loop takes for these, as somebody without a portal would write it."""
    with tempfile.TemporaryDirectory(prefix="portal-loop-") as name:
        folder = Path(name)
        for spec in specs:
            wanted = InstanceSpec.from_json({**spec.as_json(), "app_version": NEW})
            (folder / f"{spec.id}.kubeconfig").write_text(yaml.safe_dump(kubeconfig_for(spec)))
            (folder / f"{spec.id}.values").write_text(yaml.safe_dump(wanted_values(wanted)))
        command = (
            f"{settings.HELM_BINARY} upgrade {names.RELEASE} {settings.CHART} --namespace {names.namespace(specs[0])}"
            " --kubeconfig @.kubeconfig --values @.values --reset-values --force-conflicts --wait --timeout 10m"
        )
        words = ["xargs", "-P", str(AT_ONCE_IN_THE_LOOP), "-I", "@", "sh", "-c", command]
        began = time.monotonic()
        ids = "\n".join(spec.id for spec in specs)
        subprocess.run(words, cwd=folder, input=ids, text=True, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began


def _between(begun: datetime, ended: datetime) -> float:
    return (ended - begun).total_seconds()


if __name__ == "__main__":
    main()
