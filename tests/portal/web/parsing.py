"""Reads a calendar as RFC 5545 says it is written, and refuses what is not."""

import re
from itertools import pairwise

LINE = re.compile(r"(?P<name>[A-Z-]+)(?P<parameters>(;[A-Z-]+=[^;:]+)*):(?P<value>.*)", re.DOTALL)
MOMENT = re.compile(r"\d{8}T\d{6}Z")
TEXTS = {"SUMMARY", "DESCRIPTION", "X-WR-CALNAME", "NAME"}
ONCE = {"UID", "DTSTAMP", "DTSTART", "SUMMARY"}
ESCAPES = {"\\n": "\n", "\\,": ",", "\\;": ";", "\\\\": "\\"}
Properties = dict[str, str]


def parse(whole: str) -> tuple[Properties, list[Properties]]:
    """The calendar's own properties, and those of its events, their texts as they were meant."""
    assert whole.endswith("\r\n")
    lines = whole.removesuffix("\r\n").replace("\r\n ", "").split("\r\n")
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    own: Properties = {}
    events: list[Properties] = []
    into = own
    for line in lines[1:-1]:
        if line == "BEGIN:VEVENT":
            assert into is own
            into = {}
        elif line == "END:VEVENT":
            events.append(_checked(into))
            into = own
        else:
            _add(into, line)
    assert into is own
    assert {"VERSION", "PRODID"} <= set(own)
    assert all(one["UID"] != other["UID"] for one, other in pairwise(sorted(events, key=lambda event: event["UID"])))
    return own, events


def _add(properties: Properties, line: str) -> None:
    found = LINE.fullmatch(line)
    assert found, line
    assert found["name"] not in properties, line
    is_text = found["name"] in TEXTS
    properties[found["name"]] = _meant(found["value"]) if is_text else found["value"]


def _checked(event: Properties) -> Properties:
    assert set(event) >= ONCE
    for name in ("DTSTAMP", "DTSTART", "DTEND", "LAST-MODIFIED"):
        assert name not in event or MOMENT.fullmatch(event[name])
    assert "DTEND" not in event or event["DTEND"] > event["DTSTART"]
    return event


def _meant(text: str) -> str:
    assert not re.search(r"(?<!\\)(\\\\)*[,;]", text), f"not escaped: {text}"
    return re.sub(r"\\[n,;\\]", lambda found: ESCAPES[found[0]], text)
