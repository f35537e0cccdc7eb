"""`manage.py leaks [--check]`: what cloud and database disagree about. Exit code 1 when there is something."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provisioning.management.terminal import FOUND, REFUSED, table
from provisioning.selectors import open_leaks
from provisioning.services.leaks import leaks_look_for, sources


class Command(BaseCommand):
    help = "Lists what is in the cloud and nobody owns, and live instances whose own is gone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="go through all listings now")

    def handle(self, *_args: Any, **options: Any) -> None:
        unread = self._check() if options["check"] else 0
        leaks = list(open_leaks())
        if leaks:
            self.stdout.write(
                table([[k.kind, k.resource, k.instance_id or "-", f"since {k.first_seen_at:%F %T}"] for k in leaks])
            )
        if unread:
            raise CommandError(f"{unread} listings could not be read; their leaks are of earlier.", returncode=REFUSED)
        if leaks:
            raise CommandError(f"{len(leaks)} leaks are open.", returncode=FOUND)
        self.stdout.write("No leaks are open.")

    def _check(self) -> int:
        """How many listings could not be read."""
        failed = {source: why for source in sources() if (why := leaks_look_for(source))}
        for source, why in failed.items():
            self.stderr.write(f"{source}: {why}")
        return len(failed)
