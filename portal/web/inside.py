"""How an instance is, as its people are told: a title, what we do about it, and a line for each part of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from portal.web.standing import Standing
from provisioning.health.inside.findings import Finding, Verdict, What
from provisioning.health.states import Seen, State

# What the chart calls a component, and what people call it; all others are background work.
PARTS: Final[Mapping[str, str]] = {
    "sourcegraph-frontend": "Web application",
    "gitserver": "Git storage",
    "indexed-search": "Search",
    "searcher": "Search",
    "precise-code-intel-worker": "Code navigation",
    "syntect-server": "Code navigation",
    "pgsql": "Database",
    "codeintel-db": "Database",
    "codeinsights-db": "Database",
    "redis-cache": "Sessions and cache",
    "redis-store": "Sessions and cache",
    "blobstore": "Uploads",
    "all": "Application",
}
BACKGROUND: Final = "Background work"
DISKS: Final[Mapping[str, str]] = {
    "sql_disk_gb": "Database",
    "gitserver_disk_gb": "Git storage",
    "search_disk_gb": "Search",
}
OTHER_DISKS: Final = "Other storage"
NAMES: Final[Mapping[What, str]] = {
    What.PODS: "Application",
    What.DISK: "Disk space",
    What.DATABASE: "Database",
    What.CERTIFICATE: "Certificate",
    What.STANDBY: "Standby",
}
WELL = Standing("Well", "good", "circle-check")
UNWELL = Standing("Degraded", "warn", "triangle-alert")
UNSEEN = Standing("Not known", "quiet", "circle-dashed")
LOOKS: Final = {Verdict.WELL: WELL, Verdict.DEGRADED: UNWELL, Verdict.UNKNOWN: UNSEEN}
SENTENCES: Final[Mapping[str, tuple[str, str, str, str]]] = {  # tone, icon, title, text
    State.HEALTHY: (
        "good",
        "circle-check",
        "It is healthy",
        "It answers, and what we look at inside is well. From outside we look at least every half minute.",
    ),
    State.DEGRADED: (
        "warn",
        "triangle-alert",
        "It answers, but a part of it is not well",
        "We have been told and are at it. You need not do anything.",
    ),
    State.DOWN: (
        "bad",
        "triangle-alert",
        "It does not answer",
        "We have been told and are at it. You need not do anything.",
    ),
    State.SUSPENDED: (
        "",
        "info",
        "It is switched off",
        "Nobody looks at it: an instance is watched while it runs. Its data is kept.",
    ),
    State.UNKNOWN: (
        "",
        "info",
        "Nobody knows how it is at the moment",
        "An instance is watched while it runs. If this one does, we are looking into why nobody has seen it lately.",
    ),
}


@dataclass(frozen=True)
class Part:
    """A part of the instance by the name that people know, and how it does."""

    name: str
    standing: Standing
    sentence: str


@dataclass(frozen=True)
class HealthView:
    """All that a page says of it; `tone` is "" where there is nothing to be glad or worried about."""

    tone: str
    icon: str
    title: str
    text: str
    since: datetime
    parts: list[Part]


def health_view(seen: Seen, findings: Iterable[Finding]) -> HealthView:
    """Parts are told of while it is known how they do."""
    tone, icon, title, text = SENTENCES[seen.state]
    is_known = seen.state in {State.HEALTHY, State.DEGRADED, State.DOWN}
    told = [part for finding in findings for part in _parts(finding)] if is_known else []
    return HealthView(tone, icon, title, text, seen.since, told)


def _parts(finding: Finding) -> Iterator[Part]:
    """What there is nothing to see of is left out."""
    if finding.state == Verdict.SKIPPED:
        return
    if finding.state == Verdict.UNKNOWN:
        yield Part(NAMES[finding.what], UNSEEN, "We could not look at it the last time, and will again soon.")
    elif finding.what == What.PODS:
        yield from _of_pods(finding)
    elif finding.what == What.DISK:
        yield from _of_disks(finding)
    else:
        yield Part(NAMES[finding.what], LOOKS[finding.state], _sentence(finding))


def _of_pods(finding: Finding) -> Iterator[Part]:
    names = {PARTS.get(component, BACKGROUND) for component in finding.figures["components"]}
    for name in sorted(names):
        yield Part(name, UNWELL, "It does not run as it should.")
    if not names:
        yield Part(NAMES[What.PODS], WELL, "Every part of it runs.")


def _of_disks(finding: Finding) -> Iterator[Part]:
    disks: list[dict[str, Any]] = finding.figures["disks"]
    if not finding.is_degraded:
        yield Part(NAMES[What.DISK], WELL, f"The fullest is {disks[0]['percent']} % full.")
        return
    full = {DISKS.get(disk["sized_by"], OTHER_DISKS): disk["percent"] for disk in reversed(disks) if disk["is_full"]}
    for name, percent in sorted(full.items()):
        yield Part(name, UNWELL, f"Its disk is {percent} % full.")
    if not full:
        yield Part(NAMES[What.DISK], UNWELL, "A disk of the cluster is lost.")


def _sentence(finding: Finding) -> str:
    if finding.what == What.CERTIFICATE:
        days, name = finding.figures["days_left"], finding.figures.get("name")
        which = f"That of {name}" if name else "It"
        if not days:
            return f"Browsers do not trust {f'that of {name}' if name else 'it'}."
        return f"{which} is good for {days} more day{'s' * (days != 1)}."
    if finding.what == What.STANDBY:
        return "It is less than it should be up to date." if finding.is_degraded else "It follows."
    if not finding.is_degraded:
        return "It runs, and is backed up."
    if finding.figures["server"] != "RUNNABLE":
        return "It does not run as it should."
    return "Its newest backup is older than it should be."
