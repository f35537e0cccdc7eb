"""What all workers on all hosts count together: small scripts run atomically in the cache's Redis.

What is counted here protects, and nothing depends on it: with Redis away, or slow, the answer is None and calls go on.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

TIMEOUT_SECONDS = 0.5
ASKED_AGAIN_AFTER_SECONDS = 2.0
LOGGED_EVERY_SECONDS = 60.0
log = structlog.get_logger(__name__)


class Tally:
    """One process's way to one Redis."""

    def __init__(self, location: str) -> None:
        # One retry, and not after a timeout: a pooled connection may have died with the Redis before this one.
        self._client: redis.Redis = redis.Redis.from_url(
            location,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            decode_responses=True,
        )
        self._scripts: dict[str, Script] = {}
        self._away_until = self._quiet_until = 0.0

    def attempt(self, question: Callable[[redis.Redis], Any]) -> Any:
        """The answer, or None without a Redis that answers at once."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return question(self._client)
        except redis.RedisError as error:
            self._give_up(error)
            return None

    def run(self, source: str, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
        """What the script answers, in one round trip; or None."""
        script = self._scripts.setdefault(source, Script(self._client, source))
        return self.attempt(lambda _client: script(keys, arguments))

    def _give_up(self, error: redis.RedisError) -> None:
        now = time.monotonic()
        self._away_until = now + ASKED_AGAIN_AFTER_SECONDS
        if now >= self._quiet_until:
            self._quiet_until = now + LOGGED_EVERY_SECONDS
            log.warning("calls to Google are neither counted nor limited: Redis does not answer", error=str(error))


def tally() -> Tally:
    """The one of this process; what it counts may be lost at any time, like all in the cache."""
    return _tally(settings.CACHES["default"]["LOCATION"], os.getpid())


@cache
def _tally(location: str, _process: int) -> Tally:
    return Tally(location)
