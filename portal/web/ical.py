"""Calendars in the format of RFC 5545, as much of it as a feed of events needs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CONTENT_TYPE = "text/calendar; charset=utf-8"
LONGEST_LINE = 75  # octets, without its end
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # all but tab and line feed: what a text may not contain


@dataclass(frozen=True)
class Event:
    """`uid` is the same each time that the calendar is fetched. `end` may be at `start`: then it takes no time."""

    uid: str
    start: datetime
    end: datetime
    changed_at: datetime
    title: str
    text: str
    url: str
    is_certain: bool


def calendar(name: str, events: Iterable[Event], refresh_every: timedelta) -> str:
    """A whole calendar, its lines ended and folded as the format wants them."""
    every = f"PT{int(refresh_every.total_seconds() // 60)}M"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Managed Sourcegraph//Updates//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{every}",
        f"X-PUBLISHED-TTL:{every}",
    ]
    for event in events:
        lines += _lines(event)
    return "".join(f"{_folded(line)}\r\n" for line in (*lines, "END:VCALENDAR"))


def _lines(event: Event) -> list[str]:
    changed = _moment(event.changed_at)
    end = [f"DTEND:{_moment(event.end)}"] if _moment(event.end) > _moment(event.start) else []
    return [
        "BEGIN:VEVENT",
        f"UID:{event.uid}",
        f"DTSTAMP:{changed}",  # of a calendar without a METHOD, the same as LAST-MODIFIED
        f"LAST-MODIFIED:{changed}",
        f"DTSTART:{_moment(event.start)}",
        *end,
        f"SUMMARY:{_text(event.title)}",
        f"DESCRIPTION:{_text(event.text)}",
        f"URL:{event.url}",
        f"STATUS:{'CONFIRMED' if event.is_certain else 'TENTATIVE'}",
        "TRANSP:TRANSPARENT",  # nobody is busy meanwhile
        "END:VEVENT",
    ]


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    plain = CONTROLS.sub("", text.replace("\r\n", "\n"))
    escaped = plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Broken before a character that would make it too long; what goes on begins with a space."""
    parts, length = [""], 0
    for character in line:
        octets = len(character.encode())
        if length + octets > LONGEST_LINE:
            parts.append("")
            length = 1  # the space
        parts[-1] += character
        length += octets
    return "\r\n ".join(parts)
