from typing import Any

from django.core.management.base import BaseCommand

from provisioning.fleet.privacy import privacy_markdown


class Command(BaseCommand):
    help = "docs/privacy.md: what an instance tells us of its use, and why."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(privacy_markdown(), ending="")
