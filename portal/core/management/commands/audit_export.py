"""Writes the audit of a period, for who has to show it."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from portal.core.auditing import FORMATS, Period, exported, in_parts
from portal.core.models import AuditEvent


class Command(BaseCommand):
    help = "Prints the audit events of a period, the oldest first, each with its place in the chain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, help="the first day, such as 2026-11-01")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="the last day")
        parser.add_argument("--format", choices=FORMATS, default="csv", help="csv is for spreadsheets")
        parser.add_argument("--organization", help="of one customer alone, by id")

    def handle(self, *_: Any, first: date | None, last: date | None, **options: Any) -> None:
        events = Period(first, last).within(AuditEvent.objects.order_by("at", "id"))
        if options["organization"]:
            events = events.filter(organization=options["organization"])
        lines, _media_type = FORMATS[options["format"]]
        for line in lines(map(exported, in_parts(events))):
            self.stdout.write(line, ending="")
