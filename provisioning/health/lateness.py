"""How late this process's event loop has been: what it could not see to in time says nothing about an instance."""

import asyncio
from collections import deque

TICK_SECONDS = 0.1
NOISE_SECONDS = 0.02
KEPT = 600


class Lateness:
    """Times are the loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._late: deque[tuple[float, float]] = deque(maxlen=KEPT)

    async def measure(self) -> None:
        """Notes from when to when the loop was late, for ever."""
        while True:
            self._due = self._loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            now = self._loop.time()
            if now - self._due > NOISE_SECONDS:
                self._late.append((self._due, now))

    def between(self, begin: float, end: float) -> float:
        """For how many seconds of these the loop was late; what it has not come to note yet counts too."""
        pending = (self._due, self._loop.time())
        return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in (*self._late, pending))
