"""How often something that is open to all may be asked for."""

import time

import structlog
from django.core.cache import cache
from redis import RedisError

log = structlog.get_logger(__name__)


def is_within(key: str, most: int, seconds: int) -> bool:
    """Whether this is among the first so many calls with this key in this window of so many seconds.

    Counted over all processes. True where the counter is lost, which must not stop the page.
    """
    counter = f"rate:{key}:{int(time.time() // seconds)}"
    try:
        cache.add(counter, 0, timeout=2 * seconds)
        return int(cache.incr(counter)) <= most
    except (RedisError, ValueError) as error:  # ValueError: the counter went between the two calls
        log.warning("calls are not counted", error=str(error))
        return True
