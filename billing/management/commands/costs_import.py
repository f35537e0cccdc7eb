from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing.services.syncs import costs_file_import
from provisioning.management.terminal import actor_named, errors_as_sentences


class Command(BaseCommand):
    help = (
        "Takes in a file of Google's usage cost export (JSON lines or CSV), in the place of what was known of its days."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--as", dest="email", help="who is asking, for the audit")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            found = costs_file_import(path=options["file"], actor=actor_named(options["email"]))
        for sentence in found.changes:
            self.stdout.write(sentence)
        for problem in found.problems:
            self.stderr.write(problem)
