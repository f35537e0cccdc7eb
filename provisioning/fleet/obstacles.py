"""What keeps an instance from its turn in a rollout: one sentence, whoever asks (docs/decisions/009).

Customers read it as well, so that it tells nothing of what went wrong inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from provisioning.fleet.windows import Window, day_in_words, in_words
from provisioning.models import InstanceStatus


class Cause(Enum):
    """What kind of obstacle it is. `keeps_open`: it passes by itself soon, so that the stage waits for it."""

    NOT_RUNNING = "not-running"
    CHANNEL = "channel"
    HOLD = "hold"
    STAGE = "stage"
    PAUSED = "paused"
    POSTPONED = "postponed"
    OPERATION = "operation"
    WINDOW = "window"

    @property
    def keeps_open(self) -> bool:
        return self in {Cause.STAGE, Cause.PAUSED, Cause.OPERATION, Cause.WINDOW}


@dataclass(frozen=True)
class Turn:
    """A member's stage: the how many-th of how many, whether its time has come, and from when that is known.

    `wants` completes “once …” while a person or a rehearsal is still asked for.
    """

    position: int
    of: int
    is_open: bool
    opens_at: datetime | None = None
    wants: str = ""


@dataclass(frozen=True)
class HeldBack:
    """A hold that has not been ended, and that does not let the change pass. `pinned_to` is empty for a plain one."""

    reason: str
    until: datetime
    pinned_to: str = ""


@dataclass(frozen=True)
class Facts:
    """All that matters, as of one moment. `operation` is the kind of the one that is under way, or ""."""

    now: datetime
    turn: Turn
    window: Window
    is_emergency: bool = False
    is_paused: bool = False
    instance_status: str = InstanceStatus.RUNNING
    channel: str = "stable"
    is_for_its_channel: bool = True
    hold: HeldBack | None = None
    not_before: datetime | None = None
    operation: str = ""


@dataclass(frozen=True)
class Obstacle:
    """`why` completes “waiting for …”; `until` is from when it could begin, None when nobody can tell."""

    cause: Cause
    why: str
    until: datetime | None


def obstacle(facts: Facts) -> Obstacle | None:
    """The first thing in a member's way, the lasting ones first; None when it may begin now."""
    for cause, sentence in CHECKS:
        if why := sentence(facts):
            return Obstacle(cause, why, _could_begin(facts, cause))
    return None


def _not_running(facts: Facts) -> str:
    if facts.instance_status == InstanceStatus.RUNNING:
        return ""
    catches_up = ", and catches up once it is resumed" if facts.instance_status == InstanceStatus.SUSPENDED else ""
    return f"the instance to run: it is {facts.instance_status}{catches_up}"


def _channel(facts: Facts) -> str:
    return "" if facts.is_for_its_channel else f"another channel: {facts.channel} does not get it"


def _hold(facts: Facts) -> str:
    if facts.hold is None:
        return ""
    word = f"pin to {facts.hold.pinned_to}" if facts.hold.pinned_to else "hold"
    return (
        f"the end of its {word}, planned for {day_in_words(facts.hold.until, facts.window.zone)}: {facts.hold.reason}"
    )


def _stage(facts: Facts) -> str:
    turn = facts.turn
    if turn.is_open:
        return ""
    when = f", not before {in_words(turn.opens_at, facts.window.zone)}" if turn.opens_at else ""
    return f"stage {turn.position} of {turn.of}{f', once {turn.wants}' if turn.wants else when}"


def _paused(facts: Facts) -> str:
    return "the rollout to go on: it is paused" if facts.is_paused else ""


def _postponed(facts: Facts) -> str:
    is_put_off = facts.not_before is not None and facts.not_before > facts.now
    return f"{in_words(facts.not_before, facts.window.zone)}: it was put off" if is_put_off and facts.not_before else ""


def _operation(facts: Facts) -> str:
    return f"the {facts.operation} of this instance to end" if facts.operation else ""


def _window(facts: Facts) -> str:
    if facts.is_emergency or facts.window.is_open(facts.now):
        return ""
    return f"its maintenance window, {in_words(facts.window.next(facts.now)[0], facts.window.zone)}"


CHECKS: tuple[tuple[Cause, Callable[[Facts], str]], ...] = (
    (Cause.NOT_RUNNING, _not_running),
    (Cause.CHANNEL, _channel),
    (Cause.HOLD, _hold),
    (Cause.PAUSED, _paused),
    (Cause.STAGE, _stage),
    (Cause.POSTPONED, _postponed),
    (Cause.OPERATION, _operation),
    (Cause.WINDOW, _window),
)


def _could_begin(facts: Facts, cause: Cause) -> datetime | None:
    """From all that is known: the stage, the hold's day, the postponement, and then the next window."""
    if cause in {Cause.NOT_RUNNING, Cause.CHANNEL, Cause.PAUSED} or facts.is_paused:
        return None
    moments = [facts.now]
    if not facts.turn.is_open:
        if facts.turn.opens_at is None or facts.turn.wants:
            return None
        moments.append(facts.turn.opens_at)
    if facts.hold:
        if facts.hold.until <= facts.now:
            return None  # it is overdue: whoever ends it knows when
        moments.append(facts.hold.until)
    if facts.not_before:
        moments.append(facts.not_before)
    at = max(moments)
    return at if facts.is_emergency else facts.window.first_chance(at)
