"""The common part of Google's filter languages: comparisons joined by AND."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from devcloud.google.call import Json
from devcloud.google.errors import invalid

_TERM = re.compile(
    r"""\s*\(?\s*(?P<path>[A-Za-z_][\w.-]*)\s*(?P<operator>!=|=|:|\beq\b|\bne\b)\s*"""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s()"']+))\s*\)?\s*"""
)
_AND = re.compile(r"AND\b\s*", re.IGNORECASE)


def parse(text: str) -> Callable[[Json], bool]:
    """A test of one resource. Raises GoogleError 400 for what it can't read.

    Knows `path = value`, `:`, `!=`, `eq`, `ne` on dotted paths; terms joined by AND or blanks; `*` in values.
    """
    tests, position = [], 0
    while position < len(text.strip()):
        term = _TERM.match(text, position)
        if not term:
            raise invalid(f"Invalid list filter expression at '{text[position:][:40]}'.", "filter")
        tests.append(_test(term))
        joined = _AND.match(text, term.end())
        position = joined.end() if joined else term.end()
    return lambda body: all(test(body) for test in tests)


def _test(term: re.Match[str]) -> Callable[[Json], bool]:
    wanted = next(text for text in (term["double"], term["single"], term["bare"]) if text is not None)
    negative = term["operator"] in {"!=", "ne"}
    path = term["path"].split(".")

    def test(body: Json) -> bool:
        value = _value(body, path)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        found = value is not None and fnmatchcase(text, wanted)
        return found is not negative

    return test


def _value(body: Any, path: list[str]) -> Any:
    """Field names are taken in snake_case too; what follows a map's name is one key, dots and all."""
    for index, name in enumerate(path):
        if not isinstance(body, dict):
            return None
        rest = ".".join(path[index:])
        if rest in body:
            return body[rest]
        body = body.get(name, body.get(_camel(name)))
    return body


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)
