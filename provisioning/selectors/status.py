"""How the service does at this moment, as everybody may know it: by region, in words, without a number of customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q

from portal.core import clock
from provisioning.clients.google import breaker
from provisioning.fleet.customers import of_customers
from provisioning.health.ledger import seconds_silent
from provisioning.models import Instance, InstanceStatus, Outage, Region, StandbyRegion

A_FEW: Final = 0.05  # of the instances of a region; beyond that it is many
SILENT_SECONDS: Final = 180.0  # after which nobody knows how instances do


class State(StrEnum):
    """How a part of the service does."""

    WELL = "well"
    SOME = "some"  # do not answer
    MANY = "many"  # do not answer
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Part:
    """A part of the service, and how it does."""

    title: str
    state: State


@dataclass(frozen=True)
class StatusOfFleet:
    """`google` is a sentence where a service of Google's fails for everyone, "" otherwise."""

    parts: Sequence[Part]
    google: str
    at: datetime

    @property
    def worst(self) -> State:
        """Of all parts; what is not known counts for less than what is known to be bad."""
        order = [State.MANY, State.SOME, State.UNKNOWN, State.WELL]
        return min((part.state for part in self.parts), key=order.index, default=State.WELL)


def fleet_status() -> StatusOfFleet:
    """As of now: the instances of customers by region. Three queries."""
    silent = seconds_silent()
    is_known = silent is not None and silent < SILENT_SECONDS
    is_down = Exists(Outage.objects.filter(instance=OuterRef("pk"), ended_at=None))
    running = Instance.objects.filter(of_customers(), status=InstanceStatus.RUNNING).annotate(is_down=is_down)
    counts = running.order_by().values("region").annotate(all=Count("pk"), down=Count("pk", filter=Q(is_down=True)))
    found = {row["region"]: _state(row["all"], row["down"], is_known=is_known) for row in counts}
    parts = [Part(str(region.label), found[region]) for region in (*Region, *StandbyRegion) if region in found]
    return StatusOfFleet(parts, breaker.obstacle(), clock.now())


def _state(everybody: int, down: int, *, is_known: bool) -> State:
    if not is_known:
        return State.UNKNOWN
    if not down:
        return State.WELL
    return State.SOME if down <= A_FEW * everybody or down == 1 else State.MANY
