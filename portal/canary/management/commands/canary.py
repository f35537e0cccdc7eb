"""A run of the canary now, stage by stage."""

import time
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from portal.canary.models import CanaryRun, State
from portal.canary.services import canary_begin, canary_go_on
from portal.canary.stages import BY_NAME
from portal.core.admin.words import duration
from portal.core.audit import Actor
from portal.core.errors import ServiceError

LOOKS_EVERY_SECONDS: Final = 1.0
BY: Final = Actor(None, "manage.py canary")


class Command(BaseCommand):
    help = "A customer of our own signs up, has an instance, deletes it and closes the account; prints each stage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="why; kept in the audit")

    def handle(self, *_: Any, reason: str, **__: Any) -> None:
        try:
            run = canary_begin(actor=BY, reason=reason)
        except ServiceError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{run} in {run.region}")
        self._watch(run)
        if run.state == State.FAILED:
            raise CommandError(run.sentence)
        self.stdout.write(f"It got through in {duration(run.took.total_seconds() if run.took else None)}.")

    def _watch(self, run: CanaryRun) -> None:
        """Looks beside the workers until nothing is left of the run; workers send its mail and build its instance."""
        told: set[int] = set()
        while run.cleaned_at is None:
            if not canary_go_on():
                time.sleep(LOOKS_EVERY_SECONDS)
            run.refresh_from_db()
            for stage in run.stages.exclude(state=State.RUNNING).exclude(pk__in=told):
                told.add(stage.pk)
                words = f"{BY_NAME[stage.name].title:<24}{duration(stage.seconds):>12}  {stage.sentence}"
                self.stdout.write(words.rstrip())
