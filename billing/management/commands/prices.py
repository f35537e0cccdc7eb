from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing.costs.items import ITEMS
from billing.costs.tables import unit_price
from billing.selectors.prices import price_book
from billing.services.prices import prices_sync
from provisioning.management.terminal import actor_named, errors_as_sentences


class Command(BaseCommand):
    help = (
        "The price book of a region: what one unit of each item costs. With --sync, first as Google's catalogue is now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--region", default="us-central1")
        parser.add_argument("--sync", action="store_true", help="ask Google's Cloud Billing Catalog first")
        parser.add_argument("--as", dest="email", help="who is asking, for the audit")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            if options["sync"]:
                self._sync(options["email"])
            book = price_book(options["region"])
        for key, nanos in book.nanos.items():
            borrowed = " (of us-central1)" if key in book.borrowed else ""
            item = ITEMS[key]
            self.stdout.write(f"{item.title:<28} {unit_price(nanos):>12} USD per {item.unit_word}{borrowed}")

    def _sync(self, email: str | None) -> None:
        synced = prices_sync(actor=actor_named(email))
        self.stdout.write(f"{len(synced.new)} new prices.")
        for problem in synced.problems:
            self.stderr.write(problem)
