"""The service level objective on a page: this month's figures, how fast the budget goes, whose is spent furthest."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.safestring import SafeString

from provisioning.admin.links import instance_link
from provisioning.admin.plots import lost_by_day, percent
from provisioning.health.slo import Uptime
from provisioning.selectors.reliability import Reliability, fleet_reliability, worst_of_month

WORST_SHOWN: Final = 20


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
        "plot": lost_by_day(found.days),
        "rows": [_row(instance, uptime, left) for instance, uptime, left in worst_of_month(WORST_SHOWN)],
    }


def _figures(found: Reliability) -> list[tuple[str, str, str, bool]]:
    """Title, figure, note, and whether it is bad."""
    share, burns = found.month.share, found.burns
    return [
        ("This month", percent(share), "without maintenance", share is not None and share < settings.SLO),
        ("With maintenance", percent(found.month.share_with_maintenance), "this month", False),
        ("Last month", percent(found.before.share), "without maintenance", False),
        ("Budget left", f"{found.left:.0%}", "of this month's", found.left <= 0),
        *[(f"Burn, {hours} h", f"{rate:.1f}", "times as fast as it may", rate > 1) for hours, rate in burns.items()],
    ]


def _row(instance: Any, uptime: Uptime, left: float) -> Row:
    return Row(
        instance=instance_link(instance),
        organization=instance.organization.name,
        share=percent(uptime.share),
        down_minutes=round(uptime.unplanned / 60, 1),
        planned_minutes=round(uptime.planned / 60, 1),
        left=f"{left:.0%}",
        is_overdrawn=left <= 0,
    )
