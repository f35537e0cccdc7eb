"""How operations, durations and times are put into words."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from provisioning.fleet.windows import Window
from provisioning.models import Instance, OperationKind, SuspensionNotice, Weekday

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
    OperationKind.APPLY_FEATURES: OperationWords(
        "Change of features", "Changing the features of", "has its features", "The change of features of"
    ),
    OperationKind.SUSPEND: OperationWords("Suspension", "Suspending", "is suspended", "The suspension of"),
    OperationKind.RESUME: OperationWords("Return from suspension", "Bringing back", "runs again", "The return of"),
    OperationKind.REPAIR: OperationWords("Repair", "Repairing", "is as it should be", "The repair of"),
    OperationKind.ROLLBACK: OperationWords(
        "Return to the earlier version",
        "Bringing back the earlier version of",
        "has its earlier version again",
        "Bringing back the earlier version of",
    ),
    OperationKind.RESTORE: OperationWords(
        "Restore from backup", "Restoring the backup of", "is restored from its backup", "The restore of"
    ),
    OperationKind.REHEARSE: OperationWords(
        "Rehearsal", "Bringing up a copy of", "has come up from its backup", "The rehearsal of"
    ),
    OperationKind.MIGRATE_ARCHITECTURE: OperationWords(
        "Infrastructure renewal",
        "Renewing the infrastructure of",
        "has its new infrastructure",
        "The infrastructure renewal of",
    ),
    OperationKind.EXPORT: OperationWords("Export", "Exporting", "is exported", "The export of"),
    OperationKind.TAKEOVER: OperationWords(
        "Takeover by the standby",
        "Bringing up the standby of",
        "runs in its other region",
        "The takeover by the standby of",
    ),
    OperationKind.TEARDOWN: OperationWords("Deletion", "Deleting", "is deleted", "The deletion of"),
}


@dataclass(frozen=True)
class SuspensionWords:
    """Why an instance is suspended, as in “because its trial has ended”, and what to do next. Strangers may read it."""

    because: str
    kept: str
    next: str


KEPT, KEPT_FOR_A_WHILE = "Everything on it is kept.", "Everything on it is kept for a while."
ENDED = {SuspensionNotice.TRIAL_ENDED, SuspensionNotice.ENDED}
GOES_ON = {
    SuspensionNotice.TRIAL_ENDED: "Subscribe, or ask us for more time: it goes on where it was.",
    SuspensionNotice.PAYMENT: "Once that is settled, it goes on where it was.",
    SuspensionNotice.ENDED: "Subscribe again: it goes on where it was.",
    SuspensionNotice.BY_US: "Talk to us: once it is switched on again, it goes on where it was.",
}


def suspension_of(instance: Instance) -> SuspensionWords:
    """The words for a suspended instance."""
    notice = SuspensionNotice(instance.suspended_because)
    return SuspensionWords(str(notice.label), KEPT_FOR_A_WHILE if notice in ENDED else KEPT, GOES_ON[notice])


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


def place_of(zone: str) -> str:
    """A time zone as one says it: Berlin time, UTC."""
    place = zone.rpartition("/")[2].replace("_", " ")
    return place if place == "UTC" else f"{place} time"


def moment_in(moment: datetime, zone: str) -> str:
    """For example “Tuesday 1 December, 01:00”, where the time zone is told beside it."""
    at = moment.astimezone(ZoneInfo(zone))
    return f"{at:%A} {at.day} {at:%B, %H:%M}"


def span(start: datetime, end: datetime, zone: str) -> str:
    """For example “Tuesday 1 December, 01:00 to 05:00 Berlin time”."""
    last = end.astimezone(ZoneInfo(zone))
    is_one_day = start.astimezone(ZoneInfo(zone)).date() == last.date()
    until = f"{last:%H:%M}" if is_one_day else moment_in(end, zone)
    return f"{moment_in(start, zone)} to {until} {place_of(zone)}"


def hours_of(hour: int, hours: int) -> str:
    """What a window is called that opens at this hour: 23:00 to 03:00."""
    return f"{hour:02}:00 to {(hour + hours) % 24:02}:00"


def window_in_words(window: Window) -> str:
    """For example “Sundays, 01:00 to 05:00 Berlin time”."""
    day = "Any day" if window.weekday is None else f"{Weekday(window.weekday).label}s"
    return f"{day}, {hours_of(window.hour, window.hours)} {place_of(window.zone)}"
