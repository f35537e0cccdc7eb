"""Label and field selectors."""

import re
from collections.abc import Callable

from devcloud.kubernetes.failures import JSON, bad_request

Predicate = Callable[[JSON], bool]

_SETS = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
_PARTS = re.compile(r",(?![^(]*\))")


def matcher(labels: str, fields: str) -> Predicate:
    """Whether an object matches both selectors. Raises Refusal (400) for one that can't be read."""
    tests = [_label_test(part) for part in _split(labels)] + [_field_test(part) for part in _split(fields)]
    return lambda value: all(test(value) for test in tests)


def _split(selector: str) -> list[str]:
    return [part.strip() for part in _PARTS.split(selector) if part.strip()]


def _label_test(part: str) -> Predicate:
    found = _SETS.match(part)
    if found:
        key, wanted = found[1], {item.strip() for item in found[3].split(",")}
        if found[2] == "in":
            return lambda value: _labels(value).get(key) in wanted
        return lambda value: _labels(value).get(key) not in wanted
    if "!=" in part:
        key, _, other = part.partition("!=")
        return lambda value: _labels(value).get(key.strip()) != other.strip()
    if "=" in part:
        key, _, other = part.replace("==", "=").partition("=")
        return lambda value: _labels(value).get(key.strip()) == other.strip()
    if re.search(r"[\s(){}]", part):
        raise bad_request(f"unable to parse requirement: found '{part}'")
    if part.startswith("!"):
        return lambda value: part[1:] not in _labels(value)
    return lambda value: part in _labels(value)


def _field_test(part: str) -> Predicate:
    path, operator, wanted = re.split(r"(!=|==|=)", part, maxsplit=1) if "=" in part else (part, "", "")
    if not operator:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    return lambda value: (_at(value, path.strip()) == wanted.strip()) is (operator != "!=")


def _labels(value: JSON) -> JSON:
    labels: JSON = value["metadata"].get("labels", {})
    return labels


def _at(value: JSON, path: str) -> str:
    found: object = value
    for part in path.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return str(found)
