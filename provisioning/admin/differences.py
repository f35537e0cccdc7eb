"""Settings that are not as wanted, as a diff."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provisioning.engine.action import Change


@dataclass(frozen=True)
class Difference:
    """One setting, its values in words."""

    path: str
    found: str
    wanted: str


def differences(changes: Iterable[Change]) -> tuple[Difference, ...]:
    return tuple(Difference(change.path, said(change.found), said(change.wanted)) for change in changes)


def said(value: Any) -> str:
    """A value of a setting as people read it."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
