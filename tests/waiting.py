"""What takes a while outside is asked for again and again, and never for longer than it may take."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
GLANCE_SECONDS = 0.02


def eventually(question: Callable[[], Answer], *, within: float = 10) -> Answer:
    """The first answer that is true. Fails when there is none within so many seconds."""
    until = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < until, f"not within {within} s; the last answer was {answer!r}"
        time.sleep(GLANCE_SECONDS)
    return answer
