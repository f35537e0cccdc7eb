"""`manage.py evidence --from DAY --to DAY`: a folder of tables for whoever audits how the fleet is run."""

import hashlib
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.sealing import chain_verify
from portal.core.tables import csv_lines
from provisioning.health.slo import Span
from provisioning.selectors.evidence import TABLES, Table


class Command(BaseCommand):
    help = "Writes what an auditor asks for, as CSV files with a list of them and of what each is evidence of."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, required=True, help="the first day, by UTC"
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="the last day")
        parser.add_argument("--folder", type=Path, help="evidence-FROM-TO unless said otherwise; it must not be there")

    def handle(self, *_: Any, first: date, last: date, folder: Path | None, **__: Any) -> None:
        if last < first:
            raise CommandError("The last day is before the first.")
        span = Span(_midnight(first), _midnight(last + timedelta(days=1)))
        folder = folder or Path(f"evidence-{first}-{last}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise CommandError(f"{folder} is there already. Name another with --folder.") from None
        lines = [line for table in TABLES for line in self._write(folder, table, span)]
        (folder / "README.md").write_text("\n".join([*_head(first, last), *lines, "", *_audit()]) + "\n")
        self.stdout.write(f"{folder}: {len(TABLES)} tables. README.md in it says what each is evidence of.")

    def _write(self, folder: Path, table: Table, span: Span) -> Iterable[str]:
        """The table's file stands; yields its line of the list."""
        digest, count = hashlib.sha256(), -1  # the head is no row
        with (folder / f"{table.name}.csv").open("w", newline="") as file:
            for line in csv_lines(table.columns, table.rows(span)):
                count += 1
                digest.update(line.encode())
                file.write(line)
        yield f"| {table.name}.csv | {table.about} | {count:,} | `{digest.hexdigest()}` |"


def _head(first: date, last: date) -> list[str]:
    return [
        f"# Evidence from {first} to {last}",
        "",
        "By UTC, both days included. Where each control is built: docs/security/controls.md.",
        "",
        "| file | what it is evidence of | rows | SHA-256 |",
        "|---|---|---|---|",
    ]


def _audit() -> list[str]:
    """Whether the audit, which half of this is made of, is whole."""
    found = chain_verify()
    faults = [f"- {fault}" for fault in found.faults]
    whole = "It is not whole:" if faults else "It is whole: nothing was changed, left out or put in."
    return [f"The audit has {found.seals:,} sealed events; the newest seal is `{found.head}`. {whole}", *faults]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
