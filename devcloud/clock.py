"""The one clock of devcloud: seconds since the epoch, and how Google and Kubernetes write them."""

import time
from datetime import UTC, datetime

_skipped = 0.0


def now() -> float:
    return time.time() + _skipped


def skip(seconds: float) -> float:
    """It is that much later, at once and for everybody in this process; returns how much that is in all."""
    global _skipped  # noqa: PLW0603 - there is one time for all
    _skipped += seconds
    return _skipped


def rfc3339(seconds: float) -> str:
    """With milliseconds, as the Google APIs write it: 2026-01-02T03:04:05.678Z."""
    return _text(seconds, "milliseconds")


def rfc3339_seconds(seconds: float) -> str:
    """Without fractions, as Kubernetes writes it: 2026-01-02T03:04:05Z."""
    return _text(seconds, "seconds")


def _text(seconds: float, timespec: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
