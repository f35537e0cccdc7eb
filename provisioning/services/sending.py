"""Wake-up calls to tasks other than the engine's. They carry no work: a lost one costs a beat, or a day's listing."""

from datetime import timedelta

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

QUEUE = "steps"
STALE_AFTER_SECONDS = 15
log = structlog.get_logger(__name__)


def send_on_commit(task: str, *arguments: str | int, expires: float | None = STALE_AFTER_SECONDS) -> None:
    """The task is called once this transaction has committed, or at once when there is none."""
    transaction.on_commit(lambda: send(task, *arguments, expires=expires))


def send(
    task: str,
    *arguments: str | int,
    after: timedelta | None = None,
    expires: float | None = STALE_AFTER_SECONDS,
) -> None:
    """The task is called soon, or `after` so long. `expires` in seconds; None for what no later beat repeats."""
    options = {"countdown": after.total_seconds()} if after else {"expires": expires} if expires else {}
    try:
        current_app.send_task(task, args=list(arguments), queue=QUEUE, retry=False, **options)
    except OperationalError as error:
        log.warning("call not sent", task=task, error=str(error))
