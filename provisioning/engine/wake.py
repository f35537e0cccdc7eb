"""Wake-up calls to workers. They carry no work: whoever wakes takes what is due from the database."""

from datetime import datetime

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

WORK = "provisioning.tasks.work"
STALE_AFTER_SECONDS = 15
log = structlog.get_logger(__name__)


def wake_on_commit(queue: str, at: datetime | None = None) -> None:
    """A worker of the queue looks for due steps, once this transaction has committed (`at`: not before then)."""
    transaction.on_commit(lambda: wake(queue, at))


def wake(queue: str, at: datetime | None = None) -> None:
    """A worker of the queue looks for due steps soon. A lost call is made up for by the scheduler's next beat."""
    options = {"eta": at} if at else {"expires": STALE_AFTER_SECONDS}
    try:
        current_app.send_task(WORK, args=[queue], queue=queue, retry=False, **options)
    except OperationalError as error:
        log.warning("wake-up call not sent; the next beat makes up for it", queue=queue, error=str(error))
