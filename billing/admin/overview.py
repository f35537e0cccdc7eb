"""The admin's first page: how the fleet is, what needs a person, and what all of it costs."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from billing.admin.cost_words import dollars_or_nothing, percent
from billing.selectors.overview import Composition, FleetReckoned, compositions, fleet_reckoned, room_for_trials
from portal.core.admin.words import NOTHING
from provisioning.admin.dashboard import Figure, dashboard
from provisioning.admin.links import list_address
from provisioning.services.sending import send

RECKON: Final = "billing.tasks.reckon_fleet"
ASKED, ASKED_SECONDS = "fleet-reckoning-asked", 30  # so that a page that is loaded again does not ask again at once
SHOWN: Final = 6  # of what an instance may have; the rest are summed
# By what the list of instances is narrowed to those that have it.
FILTERS: Final = {
    "release": "release__id__exact",
    "channel": "channel__exact",
    "region": "region__exact",
    "kind": "kind__exact",
}


@dataclass(frozen=True)
class Line:
    """A line of a composition: how many, of all, as a bar from 0 to 100; `link` leads to them."""

    title: str
    count: int
    percent: float
    link: str


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the page: at most 19 queries, however large the fleet."""
    context = dashboard(request, context)
    reckoned = fleet_reckoned()
    if reckoned is None and cache.add(ASKED, True, ASKED_SECONDS):
        send(RECKON)
    return {
        **context,
        "figures": [*context["figures"], _room()],
        "reckoned": reckoned,
        "kept": [*_of_uptime(reckoned), *_of_money(reckoned)] if reckoned else [],
        "compositions": [(each.title, _lines(each)) for each in compositions()],
    }


def _room() -> Figure:
    room = room_for_trials()
    note = f"of {room.most:,}, {room.waiting:,} wait" if room.waiting else f"of {room.most:,} at once"
    return Figure("Trials", room.running, note, list_address("billing_trialrequest"), "hourglass_top", room.waiting > 0)


def _of_uptime(found: FleetReckoned) -> list[Figure]:
    link, share = reverse("admin:provisioning_alert_slo"), found.share
    fast, *_ = sorted(found.burns)
    burn = found.burns[fast]
    return [
        Figure(
            "Uptime this month",
            NOTHING if share is None else f"{share:.3%}",
            f"of {settings.SLO:.1%}, without maintenance",
            link,
            "speed",
            is_bad=share is not None and share < settings.SLO,
        ),
        Figure(
            "Error budget", f"{found.left:.0%}", f"left; burns {burn:.1f} times", link, "hourglass_bottom", burn > 1
        ),
    ]


def _of_money(found: FleetReckoned) -> list[Figure]:
    link, smallest = list_address("billing_instancecosts"), found.smallest
    too_much = f", {smallest.above} above" if smallest.above else ""
    return [
        Figure(
            f"Cost of size {smallest.size}",
            dollars_or_nothing(smallest.mean_cents),
            f"a month; at most {dollars_or_nothing(smallest.most_cents)}{too_much}",
            link,
            "payments",
            is_bad=smallest.above > 0,
        ),
        Figure(
            "Cost this month",
            dollars_or_nothing(found.forecast_cents),
            f"forecast; {percent(found.margin)} margin" if found.margin else "forecast",
            link,
            "account_balance",
        ),
    ]


def _lines(composition: Composition) -> list[Line]:
    whole = sum(share.count for share in composition.shares)
    shown, rest = composition.shares[:SHOWN], sum(share.count for share in composition.shares[SHOWN:])
    lines = [
        Line(each.title, each.count, _percent(each.count, whole), _living(**{FILTERS[composition.field]: each.value}))
        for each in shown
    ]
    return [*lines, Line("Others", rest, _percent(rest, whole), _living())] if rest else lines


def _percent(count: int, whole: int) -> float:
    return round(100 * count / whole, 1)


def _living(**having: Any) -> str:
    return list_address("provisioning_instance", **having, life="living")
