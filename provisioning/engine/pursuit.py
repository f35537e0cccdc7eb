"""Look, do the next small thing, look again, until it is as wanted or has to be waited for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from provisioning.engine.action import Action, AsWanted, Context, Missing, Outputs, Seen, UnderWay
from provisioning.engine.graph import Goal

DEEDS_PER_CLAIM = 8
NOT_SEEN_YET = UnderWay("what was just done to become visible", timedelta(seconds=3))


@dataclass(frozen=True)
class Reached:
    outputs: Outputs


@dataclass(frozen=True)
class Waiting:
    why: str
    again: timedelta


def pursue(
    action: Action, context: Context, goal: Goal, before_deed: Callable[[], None], made: list[str]
) -> Reached | Waiting:
    """Brings the outside to the goal, or says what it waits for. Each deed is noted in `made`.

    `before_deed` proves that the lease still holds, right before the outside is changed, and raises if it does not.
    """
    for _ in range(DEEDS_PER_CLAIM):
        seen = action.look(context)
        if isinstance(seen, UnderWay):
            return Waiting(seen.why, seen.again)
        if reached := _reached(seen, goal, action, context):
            return reached
        before_deed()
        made.append(action.make(context) if goal is Goal.PRESENT else action.drop(context))
    return Waiting(NOT_SEEN_YET.why, NOT_SEEN_YET.again)


def _reached(seen: Seen, goal: Goal, action: Action, context: Context) -> Reached | None:
    """What is gone puts out its name and how that was confirmed, for a certificate."""
    if goal is Goal.ABSENT:
        if isinstance(seen, Missing):
            return Reached({"resource": action.resource(context), "confirmed": seen.how})
        return None
    return Reached(seen.outputs) if isinstance(seen, AsWanted) else None
