from typing import Any

from django.core.management.base import BaseCommand

from provisioning.fleet.catalogue import load_catalogue


class Command(BaseCommand):
    help = "Puts the sizes and releases that the portal ships with into the database. May run any number of times."

    def handle(self, *_args: Any, **_options: Any) -> None:
        load_catalogue()
        self.stdout.write("The catalogue is loaded.")
