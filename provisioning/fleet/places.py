"""Who is in which stage. An instance keeps its place from one rollout to the next, as long as the salt stays."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from provisioning.fleet.releases import GETS
from provisioning.models import Kind, Tenancy


class HasShares(Protocol):
    """A stage: of each kind, how many percent of all have had their turn at its end."""

    @property
    def position(self) -> int: ...
    @property
    def internal_percent(self) -> int: ...
    @property
    def trial_percent(self) -> int: ...
    @property
    def customer_percent(self) -> int: ...


@dataclass(frozen=True)
class Share:
    """A stage's shares by themselves."""

    position: int
    internal_percent: int = 100
    trial_percent: int = 0
    customer_percent: int = 0


def place_of(salt: str, instance_id: str) -> int:
    """0 to 99, the same whenever it is asked for: SHA-256 of both (docs/decisions/009)."""
    return int.from_bytes(sha256(f"{salt}:{instance_id}".encode()).digest()) % 100


def stage_position(place: int, *, kind: str, tenancy: str, stages: Iterable[HasShares]) -> int | None:
    """The position of the first stage whose share of the kind reaches the place; None when no stage's does."""
    ordered = sorted(stages, key=lambda stage: stage.position)
    return next((stage.position for stage in ordered if place < _share(stage, kind, tenancy)), None)


def follows(channel: str, released_to: str) -> bool:
    """Whether an instance on this channel gets what is released to that one: bolder ones get it, too."""
    return released_to in GETS[channel]


def _share(stage: HasShares, kind: str, tenancy: str) -> int:
    """Whoever brings a cluster counts as a customer, on trial or not."""
    if kind == Kind.INTERNAL:
        return stage.internal_percent
    is_trial = kind == Kind.TRIAL and tenancy != Tenancy.BYOK
    return stage.trial_percent if is_trial else stage.customer_percent
