"""The tasks of billing. None carries state in its arguments; each may run twice or never."""

from celery import shared_task

from billing.models import Sync
from billing.services import syncs
from portal.core.audit import Actor


@shared_task(name="billing.tasks.sync_prices")
def sync_prices() -> None:
    """A run is queued after which the price book is as Google's catalogue is today."""
    syncs.sync_request(Sync.Kind.PRICES, actor=Actor(None, "daily price sync"))


@shared_task(name="billing.tasks.go_on_with_syncs")
def go_on_with_syncs() -> None:
    """Queued runs have been made."""
    syncs.syncs_go_on()
