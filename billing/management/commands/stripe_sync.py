from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing.clients.stripe import Away
from billing.services.stripe_catalogue import catalogue_changes, catalogue_sync
from portal.core.errors import Conflict
from provisioning.management.terminal import FOUND, actor_named, errors_as_sentences


class Command(BaseCommand):
    help = "What Stripe's products and prices lack to be as our catalogue; with --apply they are brought to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="make the changes; without it they are only listed")
        parser.add_argument("--as", dest="email", help="who is asking, for the audit")
        parser.add_argument("--reason", default="", help="why, for the audit")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            try:
                changes = self._changes(options)
            except Away as away:
                raise Conflict(f"{away}. Try again later.") from away
        for change in changes:
            self.stdout.write(str(change))
        if not changes:
            self.stdout.write("Stripe's catalogue is as ours.")
        elif not options["apply"]:
            self.stdout.write(f"{len(changes)} changes. Nothing has been changed: use --apply.")
            raise SystemExit(FOUND)

    def _changes(self, options: dict[str, Any]) -> Any:
        if options["apply"]:
            return catalogue_sync(actor=actor_named(options["email"]), reason=options["reason"])
        return catalogue_changes()
