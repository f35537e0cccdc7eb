"""How operations and durations are put into words."""

from dataclasses import dataclass

from provisioning.models import OperationKind

MINUTE, HOUR = 60, 3_600


@dataclass(frozen=True)
class OperationWords:
    """`doing`, `done` and `halted` are followed or preceded by the instance's name, as in “Bringing up acme”."""

    noun: str
    doing: str
    done: str
    halted: str


WORDS = {
    OperationKind.PROVISION: OperationWords("Setup", "Bringing up", "is ready", "The setup of"),
    OperationKind.UPGRADE: OperationWords("Upgrade", "Upgrading", "is upgraded", "The upgrade of"),
    OperationKind.RESIZE: OperationWords("Resize", "Resizing", "has its new size", "The resize of"),
    OperationKind.REPAIR: OperationWords("Repair", "Repairing", "is as it should be", "The repair of"),
    OperationKind.TEARDOWN: OperationWords("Deletion", "Deleting", "is deleted", "The deletion of"),
}


def words_of(kind: str) -> OperationWords:
    return WORDS[OperationKind(kind)]


def clock_time(seconds: float) -> str:
    """As a stopwatch shows it: 0:07, 4:12, 1:02:09."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // MINUTE, MINUTE)
    return f"{hours}:{minutes:02}:{whole % MINUTE:02}" if hours else f"{minutes}:{whole % MINUTE:02}"


def roughly(seconds: float) -> str:
    """As a person would say it: 40 s, 9 min, 1 h 10 min."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE)
    if minutes < MINUTE:
        return f"{minutes} min"
    hours, left = divmod(minutes, MINUTE)
    return f"{hours} h {left} min" if left else f"{hours} h"
