from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from billing.clients.stripe import Away
from billing.services.connecting import stripe_connect
from portal.core.errors import Conflict
from provisioning.management.terminal import actor_named, errors_as_sentences

SECRET = "STRIPE_WEBHOOK_SECRETS="  # noqa: S105 - the name of a setting


class Command(BaseCommand):
    help = (
        "Stripe tells the portal of events, and its billing portal is as the portal wants it. Prints the signing "
        "secret where the webhook endpoint is new, as the setting that it has to become."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as", dest="email", help="who is asking, for the audit")

    def handle(self, *_args: Any, **options: Any) -> None:
        address = f"{settings.PORTAL_URL}{reverse('stripe_events')}"
        with errors_as_sentences():
            try:
                secret = stripe_connect(address=address, actor=actor_named(options["email"]))
            except Away as away:
                raise Conflict(f"{away}. Try again later.") from away
        self.stdout.write(f"{SECRET}{secret}" if secret else f"Stripe tells of events at {address}.")
