from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing.costs.tables import dollars, sizes_markdown
from billing.selectors.prices import price_book, size_bill
from provisioning.fleet.catalogue import SIZES
from provisioning.management.terminal import errors_as_sentences
from provisioning.models import Size
from provisioning.spec import SizeSpec


class Command(BaseCommand):
    help = "What each size costs us in a month, part by part, by the price book as it is now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--region", default="us-central1")
        parser.add_argument("--markdown", action="store_true", help="docs/sizes.md, by the shipped prices")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["markdown"]:
            self.stdout.write(sizes_markdown([SizeSpec.of(Size(**row)) for row in SIZES]), ending="")
            return
        book = price_book(options["region"])
        with errors_as_sentences():
            for size in Size.objects.all():
                month = size_bill(size, book)
                self.stdout.write(f"{size.name}: {dollars(month.cents)} USD a month, up to {size.users:,} users")
                for line in month.lines:
                    amount = f"{line.amount:,.1f} {line.item.unit_word}s"
                    self.stdout.write(f"  {line.part:<9} {line.item.title:<28} {amount:>22} {dollars(line.cents):>10}")
        if book.borrowed:
            self.stdout.write(f"Prices of us-central1 for lack of own ones: {', '.join(sorted(book.borrowed))}.")
