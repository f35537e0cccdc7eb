"""The service level objective on a page: this month's figures, how fast the budget goes, whose is spent furthest."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.safestring import SafeString

from provisioning.admin.links import instance_link
from provisioning.health.slo import Uptime
from provisioning.selectors.reliability import Reliability, fleet_reliability, worst_of_month

BAR, GAP, HEIGHT = 8, 3, 72  # pixels of the plot
WORST_SHOWN: Final = 20
FLOOR: Final = 0.99  # the plot's lower edge: what is below reaches down to it
NOT_KNOWN: Final = "not known"


@dataclass(frozen=True)
class Bar:
    """A day in the plot: from the top down, the further the worse."""

    x: int
    height: int
    tone: str
    says: str


@dataclass(frozen=True)
class Row:
    """An instance whose budget is spent, and how far."""

    instance: SafeString
    organization: str
    share: str
    down_minutes: float
    planned_minutes: float
    left: str
    is_overdrawn: bool


def slo() -> dict[str, Any]:
    """The context of the page. Five queries."""
    found = fleet_reliability()
    return {
        "title": "Service level",
        "objective": f"{settings.SLO:.2%}",
        "figures": _figures(found),
        "bars": [_bar(number, day.day, day.uptime) for number, day in enumerate(found.days)],
        "width": len(found.days) * (BAR + GAP) - GAP,
        "height": HEIGHT,
        "floor": f"{FLOOR:.0%}",
        "rows": [_row(instance, uptime, left) for instance, uptime, left in worst_of_month(WORST_SHOWN)],
    }


def _figures(found: Reliability) -> list[tuple[str, str, str, bool]]:
    """Title, figure, note, and whether it is bad."""
    share, burns = found.month.share, found.burns
    return [
        ("This month", _percent(share), "without maintenance", share is not None and share < settings.SLO),
        ("With maintenance", _percent(found.month.share_with_maintenance), "this month", False),
        ("Last month", _percent(found.before.share), "without maintenance", False),
        ("Budget left", f"{found.left:.0%}", "of this month's", found.left <= 0),
        *[(f"Burn, {hours} h", f"{rate:.1f}", "times as fast as it may", rate > 1) for hours, rate in burns.items()],
    ]


def _bar(number: int, day: Any, uptime: Uptime) -> Bar:
    x, share = number * (BAR + GAP), uptime.share
    if share is None:
        return Bar(x, HEIGHT, "none", f"{day:%-d %B}: {NOT_KNOWN}")
    lost = min(1.0, (1 - share) / (1 - FLOOR))
    tone = "good" if share >= settings.SLO else "bad"
    return Bar(x, max(2, round(lost * HEIGHT)), tone, f"{day:%-d %B}: {_percent(share)}")


def _row(instance: Any, uptime: Uptime, left: float) -> Row:
    return Row(
        instance=instance_link(instance),
        organization=instance.organization.name,
        share=_percent(uptime.share),
        down_minutes=round(uptime.unplanned / 60, 1),
        planned_minutes=round(uptime.planned / 60, 1),
        left=f"{left:.0%}",
        is_overdrawn=left <= 0,
    )


def _percent(share: float | None) -> str:
    """Rounded down, so that 100 % is never said of less."""
    return NOT_KNOWN if share is None else f"{int(share * 100_000 + 1e-9) / 1_000:.3f} %"
