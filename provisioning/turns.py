"""Turns: what a worker does for one claim it does in one go, so that no shared limit stops it half-way.

Whoever works on a claim opens a turn. A limit that makes callers queue lets a turn in once, and then lets it finish.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from provisioning.outcomes import NotYet


class NotItsTurn(NotYet):
    """A shared limit is used up. `again` is this caller's own place in the queue: to come earlier is of no use."""


@dataclass(frozen=True)
class Turn:
    """`who` keeps its place in a queue from one try to the next; `begun` names the limits that have let it in."""

    who: str
    begun: set[str] = field(default_factory=set)


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def turn(who: str) -> Iterator[None]:
    """What is called inside belongs together. `who` stays the same when it is tried again: a step's id, for example."""
    token = _turn.set(Turn(who))
    try:
        yield
    finally:
        _turn.reset(token)


def current_turn() -> Turn | None:
    """The innermost turn that is open here, or None: then each call stands for itself."""
    return _turn.get()
