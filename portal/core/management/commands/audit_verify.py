"""Proves that the audit is whole: nothing changed, nothing left out, nothing put in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.sealing import chain_verify


class Command(BaseCommand):
    help = "Computes the chain of audit events anew and compares it with its seals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            default="",
            metavar="NUMBER:DIGEST",
            help="a seal that was kept outside, such as in the log: it has to be in the chain",
        )

    def handle(self, *_: Any, head: str, **__: Any) -> None:
        found = chain_verify(head=head)
        for fault in found.faults:
            self.stderr.write(fault)
        if found.faults:
            raise CommandError(f"The audit is not whole: {len(found.faults)} faults in {found.seals:,} seals.")
        self.stdout.write(f"Whole: {found.seals:,} events are chained. The newest seal is {found.head}.")
