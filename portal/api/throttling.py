"""How often a token may call."""

import time
from typing import TYPE_CHECKING

import structlog
from django.core.cache import cache
from redis import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this class

log = structlog.get_logger(__name__)


class TokenRate(SimpleRateThrottle):
    """So many calls in each window, counted per token over all processes by an atomic increment in Redis.

    What is open to all (the documentation) is counted per address.
    """

    scope = "token"

    def allow_request(self, request: Request, _view: "APIView") -> bool:
        calls, seconds = self.parse_rate(self.rate)
        if not calls or not seconds:
            return True
        window, into_it = divmod(time.time(), seconds)
        self.seconds_left: float = seconds - into_it
        caller = request.auth.pk if request.auth else self.get_ident(request)
        return self._count(f"api-rate:{caller}:{window:.0f}", seconds) <= calls

    def wait(self) -> float:
        return self.seconds_left

    @staticmethod
    def _count(key: str, seconds: int) -> int:
        """The number of this call in its window; 0 where the counter is lost, which must not stop the API."""
        try:
            cache.add(key, 0, timeout=2 * seconds)
            return int(cache.incr(key))
        except (RedisError, ValueError) as error:  # ValueError: the counter went between the two calls
            log.warning("calls are not counted", error=str(error))
            return 0
