"""Wake-up calls to workers. They carry no work: whoever wakes takes what is due from the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

WORK = "provisioning.tasks.work"
STALE_AFTER_SECONDS = 15
_round: ContextVar[str | None] = ContextVar("the queue of the round that this worker is making", default=None)
log = structlog.get_logger(__name__)


def wake_on_commit(*queues: str, at: datetime | None = None) -> None:
    """For each a worker of that queue looks for due steps, once this transaction has committed (`at`: not before).

    A worker in the middle of its round takes one step of its own queue itself, and for more of a queue one worker is
    called: whoever comes goes on until nothing is due, and calls the next one when it opens more.
    """
    transaction.on_commit(lambda: _wake_others(list(queues), at))


@contextmanager
def making_a_round(queue: str) -> Iterator[None]:
    """Whoever is in it looks for another due step of the queue before it rests."""
    token = _round.set(queue)
    try:
        yield
    finally:
        _round.reset(token)


def _wake_others(queues: list[str], at: datetime | None) -> None:
    own = _round.get()
    if at is None and own in queues:
        queues.remove(own)
    for queue in sorted(set(queues)):
        wake(queue, at)


def calls_waiting(queue: str) -> int:
    """How many calls of a queue no worker has taken yet; 0 when the broker cannot tell."""
    try:
        with current_app.pool.acquire(block=True) as connection:
            return int(connection.default_channel.queue_declare(queue=queue, passive=True).message_count)
    except (OperationalError, ChannelError):  # away, or nobody has ever been called
        return 0


def wake(queue: str, at: datetime | None = None) -> None:
    """A worker of the queue looks for due steps soon. A lost call is made up for by the scheduler's next beat."""
    options = {"eta": at} if at else {"expires": STALE_AFTER_SECONDS}
    try:
        current_app.send_task(WORK, args=[queue], queue=queue, retry=False, **options)
    except OperationalError as error:
        log.warning("wake-up call not sent; the next beat makes up for it", queue=queue, error=str(error))
