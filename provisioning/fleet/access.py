"""What time makes of an access: pure functions, so that it is over whether or not anybody has written that down."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from provisioning.models import Access

LAPSES_AFTER: Final = timedelta(hours=24)  # what nobody has answered by then need not be answered
LONGEST_TOKEN_SECONDS: Final = 300
CALL_SECONDS: Final = 10  # so long each call of a look may take; a token is asked for so much shorter
State = Access.State


def state_at(access: Access, now: datetime) -> str:
    """What it is by then: one of Access.State."""
    if access.state == State.ASKED and now >= access.asked_at + LAPSES_AFTER:
        return State.LAPSED
    if access.state == State.GRANTED and (access.ends_at is None or now >= access.ends_at):
        return State.ENDED
    return access.state


def is_asked(access: Access, now: datetime) -> bool:
    """Whether it waits for an answer."""
    return state_at(access, now) == State.ASKED


def is_open(access: Access, now: datetime) -> bool:
    """Whether whoever asked may look."""
    return state_at(access, now) == State.GRANTED


def waiting_at(now: datetime) -> Q:
    """Those that wait for an answer by then, as `is_asked` says it."""
    return Q(state=State.ASKED, asked_at__gt=now - LAPSES_AFTER)


def open_at(now: datetime) -> Q:
    """Those by which somebody may look by then, as `is_open` says it."""
    return Q(state=State.GRANTED, ends_at__gt=now)


def token_seconds(access: Access, now: datetime) -> int:
    """So long a token lives that is asked for then: minutes at most, and never beyond the access, even where Google
    takes its time to make it. 0 for none at all.
    """
    if access.ends_at is None or not is_open(access, now):
        return 0
    left = int((access.ends_at - now).total_seconds()) - CALL_SECONDS
    return max(0, min(LONGEST_TOKEN_SECONDS, left))
