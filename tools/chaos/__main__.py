"""bin/chaos: the whole stack on private ports, faults from a plan, and a count of what came of it."""

import argparse
import json
import math
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.chaos.plan import plan
from tools.chaos.stack import Stack
from tools.chaos.storm import Storm
from tools.postgres import temporary_folder
from tools.terminal import Refused, exit_with, say

_HELP = """\
While operations run, processes are killed and paused, servers stopped, and the cloud answers badly, by a plan that the
seed alone decides. Then the faults stop, all must come to its end by itself, and every instance is torn down.

The last line is one JSON object. The exit status is 0 only if lost, duplicated, leaked, stuck and manual_actions are 0.

  lost            operations that never ended or ended as nobody asked, and things a running instance lacks
  duplicated      things of which an instance has two and must have one, and mails that came twice
  leaked          what the cloud still has of a deleted instance
  stuck           operations that ended as failed or stuck
  manual_actions  what a person did to set an operation going again
  recovery_seconds_p95   from the moment of a fault, outages included, until the next step of any operation is done"""
MUST_BE_ZERO = ("lost", "duplicated", "leaked", "stuck", "manual_actions")
TICK_SECONDS = 0.02
LEASE_LOST = "lease lost"


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    count = options.faults or round((options.minutes or 2.0) * 60 / options.spacing)
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="portal-chaos-") as name, temporary_folder() as database:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with Stack(folder, database, workers=options.workers, speed=options.speed) as stack:
            result = _run(stack, options, count)
    for kind, found in result.pop("findings").items():
        for finding in found:
            say(f"{kind}: {finding}")
    say(json.dumps(result))
    return 1 if any(result[name] for name in MUST_BE_ZERO) else 0


def _run(stack: Stack, options: argparse.Namespace, count: int) -> dict[str, Any]:
    settings = {"--at-once": options.at_once, "--seed": options.seed, "--patience": options.patience}
    words = [str(word) for setting in settings.items() for word in setting]
    driver = stack.spawn("driver", stack.driver(str(stack.folder), *words))
    while not (stack.folder / "begun").exists():
        _pause(stack)
        if driver.poll() is not None:
            break
    say(f"The stack is up; {count} faults follow, about {options.spacing:g} s apart (seed {options.seed}).")
    storm = Storm(stack, plan(options.seed, count, options.spacing))
    while driver.poll() is None and not storm.is_over:
        storm.blow()
        _pause(stack)
    storm.end()
    say(f"{len(storm.struck)} faults are struck; now all must come to its end by itself.")
    (stack.folder / "calm").touch()
    while driver.poll() is None:
        _pause(stack)
    if driver.returncode:
        raise Refused(f"The driver failed:\n{(stack.folder / 'log' / 'driver.log').read_text()}")
    return _summed_up(json.loads((stack.folder / "result.json").read_text()), storm, options.seed, stack)


def _summed_up(result: dict[str, Any], storm: Storm, seed: int, stack: Stack) -> dict[str, Any]:
    """The driver's count and the storm's. `refused_results` came from workers that had lost their lease."""
    recovered = recovery_seconds([at for at, _ in storm.struck], result.pop("progress"))
    refused = sum(log.read_text(errors="replace").count(LEASE_LOST) for log in stack.logs.glob("worker-*"))
    figures = {"seed": seed, "faults": len(storm.struck), "kinds": storm.counts(), "answers_met": storm.answers_met}
    return {**figures, "refused_results": refused, **result, "recovery_seconds_p95": percentile(recovered, 0.95)}


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
    parser.add_argument("--spacing", type=float, default=2.5, help="seconds between two faults, on average (2.5)")
    parser.add_argument("--at-once", type=int, default=20, help="how many operations run at once (20)")
    parser.add_argument("--workers", type=int, default=3, help="worker processes (3)")
    parser.add_argument("--speed", type=float, default=60.0, help="how much faster than life devcloud runs (60)")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds in which all must come to its end (300)")
    parser.add_argument("--keep", type=Path, help="a folder for logs, kept")
    parser.add_argument("--json", action="store_true", help="accepted for scripts; the last line is JSON anyway")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(exit_with(main))
