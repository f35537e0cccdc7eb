"""Asks for operations while the storm blows, then waits, tears everything down, and counts. A process of its own.

    python -m tools.chaos.driver FOLDER --at-once N --seed N --patience SECONDS

It touches FOLDER/begun once the first operations run, goes on until FOLDER/calm is there, and leaves
FOLDER/result.json. What it wants next it reads from the database, so a lost connection costs it nothing.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django has to be set up first
from django.db import InterfaceError, OperationalError, connection  # noqa: E402

from portal.core.audit import Actor  # noqa: E402
from portal.core.errors import Conflict  # noqa: E402
from portal.core.models import Mail, Organization, User  # noqa: E402
from provisioning.models import Cluster, Instance, InstanceStatus, Kind, Operation, OperationKind  # noqa: E402
from provisioning.models.operations import LIVE  # noqa: E402
from provisioning.services import cluster_add, instance_create, instance_delete  # noqa: E402
from provisioning.services.instances import Wish  # noqa: E402
from tools.chaos.census import Census  # noqa: E402
from tools.chaos.verdict import missing_of, verdict  # noqa: E402

T = TypeVar("T")
DELETED_WHILE_BUILT, DELETED_WHEN_READY = 0.1, 0.6
BROUGHT_EVERY = 3
PAUSE_SECONDS = 0.3


class Driver:
    def __init__(self, *, seed: int, at_once: int, census: Census) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - it is to be repeatable, as far as timing lets it
        self._at_once = at_once
        self._census = census
        self._made = 0
        self.asked_for: set[str] = set()
        self.duplicates: list[str] = []
        user = User.objects.create_user("chaos@portal.example", None, name="Chaos")
        self._organization = Organization.objects.create(name="Chaos", slug="chaos", email_domain="portal.example")
        self._actor = Actor(user, user.email)
        self._cluster: Cluster = cluster_add(
            organization=self._organization,
            name="brought",
            kubeconfig=census.bring_cluster(),
            has_cluster_wide_rights=False,
            actor=self._actor,
        )

    def go_on(self) -> None:
        """As many operations run as should: a new one for each that has ended."""
        while Operation.objects.filter(status__in=LIVE).count() < self._at_once:
            self._begin_one()

    def clear_away(self) -> None:
        """A teardown of each instance that is left is asked for."""
        for instance in Instance.objects.exclude(status=InstanceStatus.DELETED):
            self._delete(instance)

    def _begin_one(self) -> None:
        standing, building = self._idle(), self._building()
        throw = self._dice.random()
        if standing and (throw < DELETED_WHEN_READY or len(standing) > self._at_once):
            self._delete(self._dice.choice(standing))
        elif building and throw > 1 - DELETED_WHILE_BUILT:
            self._delete(self._dice.choice(building))
        else:
            self._create()

    def _create(self) -> None:
        slug = f"chaos-{self._made + 1}"
        cluster = self._cluster if (self._made + 1) % BROUGHT_EVERY == 0 else None
        if not Instance.objects.filter(slug=slug).exists():  # it is there if the answer of the commit was lost
            wish = Wish(slug=slug, kind=Kind.INTERNAL, cluster=cluster)
            instance_create(organization=self._organization, wish=wish, actor=self._actor)
        self.asked_for.add(Operation.objects.get(instance__slug=slug, kind=OperationKind.PROVISION).pk)
        self._made += 1

    def _delete(self, instance: Instance) -> None:
        self.duplicates += [
            f"{instance}: {what}" for what in self._census.duplicates_of([instance.pk, instance.domain])
        ]
        try:
            operation = instance_delete(instance=instance, confirmation=instance.slug, actor=self._actor)
        except Conflict:
            return  # asked for already, and the answer was lost
        self.asked_for.add(operation.pk)

    def _idle(self) -> list[Instance]:
        return list(
            Instance.objects.filter(status=InstanceStatus.RUNNING).exclude(operations__status__in=LIVE).order_by("pk")
        )

    def _building(self) -> list[Instance]:
        building = Operation.objects.filter(kind=OperationKind.PROVISION, status__in=LIVE)
        return list(Instance.objects.filter(operations__in=building).exclude(operations__kind=OperationKind.TEARDOWN))


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
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--patience", type=float, required=True)
    options = parser.parse_args()
    census = Census(settings.INSTANCE_GATEWAY)
    driver = Driver(seed=options.seed, at_once=options.at_once, census=census)
    driver.go_on()
    (options.folder / "begun").touch()
    while not (options.folder / "calm").exists():
        patiently(driver.go_on)
        time.sleep(PAUSE_SECONDS)
    converged = settle(options.patience)
    missing = missing_of(Instance.objects.filter(status=InstanceStatus.RUNNING))
    driver.clear_away()
    torn_down = settle(options.patience)
    wait_for_mail(options.patience)
    result = verdict(driver.asked_for, missing, driver.duplicates, census)
    result |= {"converged_seconds": converged, "torn_down_seconds": torn_down}
    (options.folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
