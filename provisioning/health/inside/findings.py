"""What a look finds: one finding for each part of an instance."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from provisioning.spec import InstanceSpec


class What(StrEnum):
    """The parts that are looked at."""

    PODS = "pods"
    DISK = "disk"
    DATABASE = "database"
    CERTIFICATE = "certificate"
    STANDBY = "standby"


class Verdict(StrEnum):
    """How a part does. SKIPPED is what there is nothing to see of, by the instance's kind or the portal's settings."""

    WELL = "well"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """`sentence` is for admins; `figures` is JSON that rules, healing and customers' words are made of."""

    what: What
    state: Verdict
    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(What(document["what"]), Verdict(document["state"]), document["sentence"], document["figures"])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_degraded(self) -> bool:
        return self.state == Verdict.DEGRADED


@dataclass(frozen=True)
class Subject:
    """Whom to look at: its spec, since when it runs without a break, and what was found the last time."""

    spec: InstanceSpec
    runs_since: datetime
    before: Mapping[str, Finding] = field(default_factory=dict)


def well(what: What, sentence: str, **figures: Any) -> Finding:
    return Finding(what, Verdict.WELL, sentence, figures)


def degraded(what: What, sentence: str, **figures: Any) -> Finding:
    return Finding(what, Verdict.DEGRADED, sentence, figures)


def unknown(what: What, sentence: str) -> Finding:
    return Finding(what, Verdict.UNKNOWN, sentence)


def skipped(what: What, sentence: str) -> Finding:
    return Finding(what, Verdict.SKIPPED, sentence)
