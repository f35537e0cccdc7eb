"""Asks for operations while the storm blows, then waits, tears everything down, and counts. A process of its own.

    python -m tools.chaos.driver FOLDER --fleet N --at-once N --seed N --patience SECONDS [--rollout]

It touches FOLDER/begun once the fleet stands and the first operations run, goes on until FOLDER/calm is there, and
leaves FOLDER/result.json. What it wants next it reads from the database, so a lost connection costs it nothing.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django has to be set up first
from django.db import InterfaceError, OperationalError, connection  # noqa: E402

from portal.core.models import Mail  # noqa: E402
from provisioning.models import Instance, InstanceStatus, Operation  # noqa: E402
from provisioning.models.operations import LIVE  # noqa: E402
from tools.chaos.census import Census  # noqa: E402
from tools.chaos.deeds import Customer, prepare_releases  # noqa: E402
from tools.chaos.standing import wrong_with  # noqa: E402
from tools.chaos.verdict import progress, verdict  # noqa: E402

T = TypeVar("T")
PAUSE_SECONDS = 0.3


class Driver:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._census = Census(settings.INSTANCE_GATEWAY)
        self._customer = Customer(seed=options.seed, census=self._census)

    def run(self) -> None:
        """All of it: the fleet, the storm, the calm after it, and the end of everything."""
        stood_up = self._stand_up()
        self._begin()
        (self._options.folder / "begun").touch()
        while not (self._options.folder / "calm").exists():
            if not self._options.rollout:
                patiently(self._go_on)
            time.sleep(PAUSE_SECONDS)
        converged = settle(self._options.patience)
        running = Instance.objects.filter(status=InstanceStatus.RUNNING).select_related("release", "size")
        wrong = wrong_with(running, self._census)
        if not self._options.rollout:
            self._clear_away()
        torn_down = settle(self._options.patience)
        wait_for_mail(self._options.patience)
        result = verdict(self._customer.asked_for, wrong, self._customer.duplicates, self._census)
        seconds = {"stood_up": stood_up, "converged": converged, "torn_down": torn_down}
        result |= {f"{name}_seconds": taken for name, taken in seconds.items()} | {"progress": progress()}
        (self._options.folder / "result.json").write_text(json.dumps(result))

    def _stand_up(self) -> float:
        """The fleet runs; answers the seconds it took."""
        for _ in range(self._options.fleet):
            self._customer.create()
        return settle(self._options.patience)

    def _begin(self) -> None:
        """A storm meets whatever comes; a rollout is one upgrade of the whole fleet, beside new instances."""
        if not self._options.rollout:
            self._go_on()
            return
        for instance in Instance.objects.select_related("release", "size"):
            self._customer.upgrade(instance)
        for _ in range(self._options.at_once):
            self._customer.create()

    def _go_on(self) -> None:
        """As many operations run as should: a new one for each that has ended."""
        while Operation.objects.filter(status__in=LIVE).count() < self._options.at_once:
            self._customer.ask()

    def _clear_away(self) -> None:
        """A teardown of each instance that is left is asked for."""
        for instance in Instance.objects.exclude(status=InstanceStatus.DELETED):
            self._customer.delete(instance)


def patiently(deed: Callable[[], T]) -> T:
    """The deed is done, as soon as the database lets it."""
    while True:
        try:
            return deed()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(PAUSE_SECONDS)


def settle(patience: float) -> float:
    """Nothing runs any more, or the patience is over; answers the seconds it took."""
    started = time.monotonic()
    while time.monotonic() - started < patience and patiently(Operation.objects.filter(status__in=LIVE).exists):
        time.sleep(PAUSE_SECONDS)
    return round(time.monotonic() - started, 1)


def wait_for_mail(patience: float) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until and Mail.objects.filter(sent_at=None).exists():
        time.sleep(PAUSE_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fleet", type=int, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--patience", type=float, required=True)
    parser.add_argument("--rollout", action="store_true")
    options = parser.parse_args()
    prepare_releases()
    Driver(options).run()


if __name__ == "__main__":
    main()
