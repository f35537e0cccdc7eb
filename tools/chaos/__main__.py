"""bin/chaos: the whole stack on private ports, faults from a plan, and a count of what came of it."""

import argparse
import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.chaos.deploys import Deploys
from tools.chaos.plan import plan
from tools.chaos.stack import Stack
from tools.chaos.storm import Storm
from tools.postgres import temporary_folder
from tools.terminal import Refused, exit_with, say

_HELP = """\
While operations run, processes are killed, paused and replaced, servers stopped, and the cloud answers badly, by a
plan that the seed alone decides. Before the first fault a fleet of instances stands, of the oldest release; then
instances are made, upgraded, resized, repaired and deleted, on clusters of their own and on a brought one. In the end
the faults stop, all must come to its end by itself, every running instance is compared with what was asked for, and
all are torn down.

The last line is one JSON object. The exit status is 0 only if lost, duplicated, leaked, stuck and manual_actions are 0.

  lost            operations that vanished, never ended, or ended as nobody asked: an upgrade or a resize that went back
                  is lost too, since no fault here lasts; and whatever a running instance lacks or has otherwise than
                  its row says: by the look of each step of a repair, and by the cloud's own records the version that
                  answers, nodes, database server, and disks that are smaller than any change has left them
  duplicated      things of which an instance has more than it should, and mails and audit events that came twice;
                  a copy with the Message-ID of the first is no second mail, and counts in second_copies instead
  leaked          what the cloud still has of a deleted instance
  stuck           operations that ended as failed or stuck
  manual_actions  what a person did to set an operation going again
  recovery_seconds_p95   from the moment of a fault, outages included, until the next step of any operation is done
  abandoned_claims       how often a worker took a step and never reported on it, and refused_results how often one
                         reported after its lease: both are what a storm does, and neither is a loss

With --deploys there are no faults. While the whole fleet is upgraded, all workers and the scheduler are told to stop
(SIGTERM) and replaced, N times. Then abandoned_claims and refused_results must be 0 too, and nothing is torn down."""
MUST_BE_ZERO = ("lost", "duplicated", "leaked", "stuck", "manual_actions")
CLEAN_STOP = ("abandoned_claims", "refused_results")
TICK_SECONDS = 0.02
LEASE_LOST = "lease lost"


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="portal-chaos-") as name, temporary_folder() as database:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with Stack(folder, database, workers=options.workers, speed=options.speed) as stack:
            result = _deploy(stack, options) if options.deploys else _storm(stack, options)
    for kind, found in result.pop("findings").items():
        for finding in found:
            say(f"{kind}: {finding}")
    say(json.dumps(result))
    return int(is_bad(result, CLEAN_STOP if options.deploys else ()))


def is_bad(result: Mapping[str, Any], also: Collection[str] = ()) -> bool:
    """Whether anything is not 0 that must be."""
    return any(result[name] for name in (*MUST_BE_ZERO, *also))


def _storm(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    count = options.faults or round((options.minutes or 2.0) * 60 / options.spacing)
    driver = _begin(stack, options)
    say(f"The fleet stands; {count} faults follow, about {options.spacing:g} s apart (seed {options.seed}).")
    storm = Storm(stack, plan(options.seed, count, options.spacing))
    while driver.poll() is None and not storm.is_over:
        storm.blow()
        _pause(stack)
    storm.end()
    say(f"{len(storm.struck)} faults are struck; now all must come to its end by itself.")
    result = _result(stack, driver)
    recovered = recovery_seconds([at for at, _ in storm.struck], result.pop("progress"))
    return {
        "seed": options.seed,
        "faults": len(storm.struck),
        "faults_by_kind": storm.counts(),
        "answers_met": storm.answers_met,
        "slow_stops": storm.slow_stops,
        "refused_results": refused_results(stack),
        **result,
        "recovery_seconds_p95": percentile(recovered, 0.95),
    }


def _deploy(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    driver = _begin(stack, options)
    say(f"The fleet is under upgrade; {options.deploys} deploys follow, {options.spacing:g} s apart.")
    deploys = Deploys(stack, options.deploys, options.spacing)
    while driver.poll() is None and not deploys.is_over:
        deploys.watch()
        _pause(stack)
    result = _result(stack, driver)
    result.pop("progress")
    slowest = max((seconds for taken in deploys.stop_seconds.values() for seconds in taken), default=0.0)
    stops = {"stop_seconds": deploys.stop_seconds, "slowest_stop_seconds": slowest}
    return {"deploys": options.deploys, **stops, "refused_results": refused_results(stack), **result}


def _begin(stack: Stack, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """The driver, once operations run."""
    settings = {name: getattr(options, name) for name in ("fleet", "at_once", "seed", "patience")}
    words = [str(word) for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)]
    rollout = ["--rollout"] if options.deploys else []
    driver = stack.spawn("driver", stack.driver(str(stack.folder), *words, *rollout))
    while not (stack.folder / "begun").exists() and driver.poll() is None:
        _pause(stack)
    return driver


def _result(stack: Stack, driver: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the driver counts once all has come to its end."""
    (stack.folder / "calm").touch()
    while driver.poll() is None:
        _pause(stack)
    if driver.returncode:
        raise Refused(f"The driver failed:\n{(stack.folder / 'log' / 'driver.log').read_text()}")
    counted: dict[str, Any] = json.loads((stack.folder / "result.json").read_text())
    return counted


def refused_results(stack: Stack) -> int:
    """How many results came from workers that had lost their lease."""
    return sum(log.read_text(errors="replace").count(LEASE_LOST) for log in stack.logs.glob("worker-*"))


def recovery_seconds(faults: Sequence[float], progress: Sequence[float]) -> list[float]:
    """For each moment of a fault, how long until the next moment of progress; without one it counts for nothing."""
    following = [min((done - at for done in progress if done > at), default=None) for at in faults]
    return [seconds for seconds in following if seconds is not None]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all is not above; 0 of none."""
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 2) if values else 0.0


def _pause(stack: Stack) -> None:
    stack.tend()
    time.sleep(TICK_SECONDS)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "bin/chaos", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same plan (1)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="how long faults are struck (2)")
    length.add_argument("--faults", type=int, help="or how many")
    length.add_argument("--deploys", type=int, metavar="N", help="or none, but that many deploys")
    parser.add_argument("--spacing", type=float, default=2.5, help="seconds between two of them, on average (2.5)")
    parser.add_argument("--fleet", type=int, default=8, help="how many instances stand before the first (8)")
    parser.add_argument("--at-once", type=int, default=20, help="how many operations run at once (20)")
    parser.add_argument("--workers", type=int, default=3, help="worker processes (3)")
    parser.add_argument("--speed", type=float, default=60.0, help="how much faster than life devcloud runs (60)")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds in which all must come to its end (300)")
    parser.add_argument("--keep", type=Path, help="a folder for logs, kept")
    parser.add_argument("--json", action="store_true", help="accepted for scripts; the last line is JSON anyway")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(exit_with(main))
