from typing import Any

from django.core.management.base import BaseCommand

from provisioning.fleet.catalogue import load_catalogue
from provisioning.management.terminal import errors_as_sentences


class Command(BaseCommand):
    help = "Puts what the portal ships with into the database: sizes, releases, policies. May run any number of times."

    def handle(self, *_args: Any, **_options: Any) -> None:
        with errors_as_sentences():
            load_catalogue()
        self.stdout.write("The catalogue is loaded.")
