"""What it costs to look at a fleet from outside. Run by bin/bench beside a running stack.

cpu_percent: of one core, that the prober takes while nothing is under change, and then while a fifth of the fleet is;
looks_per_second and failed (looks) beside it.
"""

import argparse
import json
import os
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

import psutil  # noqa: E402 - Django has to be set up first
from django.db.models import Sum  # noqa: E402

from portal.core import clock  # noqa: E402
from provisioning.models import Operation, OperationKind, OperationStatus, ProbeTally  # noqa: E402
from tools.benchmarks.copies import copies_of  # noqa: E402
from tools.benchmarks.fleet import actor  # noqa: E402
from tools.benchmarks.upgrades import provisioned  # noqa: E402

SETTLING_SECONDS, MEASURED_SECONDS = 40, 60
ONE_IN = 5  # is under change, when any is


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000, help="instances")
    count = parser.parse_args().count
    first = provisioned(*actor())
    fleet = [first, *copies_of(first, count - 1)]
    result = {"instances": len(fleet), "idle": _measured(), "under_change": {}}
    Operation.objects.bulk_create(
        Operation(
            instance=instance,
            kind=OperationKind.UPGRADE,
            status=OperationStatus.RUNNING,
            wanted={},
            started_at=clock.now(),
        )
        for instance in fleet[: count // ONE_IN]
    )
    print(json.dumps({**result, "under_change": _measured()}))  # noqa: T201


def _measured() -> dict[str, float]:
    time.sleep(SETTLING_SECONDS)
    before, began = _figures(), time.monotonic()
    time.sleep(MEASURED_SECONDS)
    seconds = time.monotonic() - began
    spent = {name: figure - before[name] for name, figure in _figures().items()}
    return {
        "looks_per_second": round(spent["looks"] / seconds, 1),
        "failed": spent["failed"],
        "cpu_percent": round(100 * spent["prober"] / seconds, 1),
        "devcloud_cpu_percent": round(100 * spent["devcloud"] / seconds, 1),
    }


def _figures() -> dict[str, Any]:
    looks = ProbeTally.objects.aggregate(looks=Sum("probes", default=0), failed=Sum("failed", default=0))
    return {**looks, "prober": _cpu_seconds("probe"), "devcloud": _cpu_seconds("devcloud")}


def _cpu_seconds(word: str) -> float:
    """Of the processes of this stack that have this word on their command line."""
    stack = psutil.Process(os.getppid()).children()
    return sum(sum(process.cpu_times()[:2]) for process in stack if word in process.cmdline())


if __name__ == "__main__":
    main()
