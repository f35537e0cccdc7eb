"""Who belongs to a rollout, and what is known of its members: the facts behind `fleet/obstacles.py`, many at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.fleet.obstacles import Facts, HeldBack, Obstacle, Turn, obstacle
from provisioning.fleet.places import follows, place_of
from provisioning.fleet.timetable import Slot
from provisioning.fleet.versions import is_newer
from provisioning.fleet.windows import window_of
from provisioning.models import (
    Channel,
    Hold,
    Instance,
    InstanceStatus,
    Kind,
    Operation,
    Rollout,
    RolloutMember,
    RolloutStage,
    Tenancy,
)
from provisioning.models.operations import LIVE

OPEN = {RolloutStage.Status.RUNNING, RolloutStage.Status.SOAKING, RolloutStage.Status.PASSED}


@dataclass(frozen=True)
class Circumstances:
    """What is not in the rows of members and instances themselves, by instance: its open hold, its live operation."""

    holds: Mapping[str, Hold]
    operations: Mapping[str, str]


def circumstances_of(instance_ids: Iterable[str]) -> Circumstances:
    """Of all these instances. Two queries."""
    ids = list(instance_ids)
    holds = Hold.objects.filter(instance__in=ids, ended_at__isnull=True).select_related("release").order_by()
    live = Operation.objects.filter(instance__in=ids, status__in=LIVE).order_by("-status")
    return Circumstances({hold.instance_id: hold for hold in holds}, dict(live.values_list("instance_id", "kind")))


def has_target(instance: Instance, rollout: Rollout) -> bool:
    """Whether the instance has what the rollout brings, or something newer."""
    return not is_newer(target_of(rollout), current_of(instance, rollout))


def target_of(rollout: Rollout) -> str:
    """The version or the number of the architecture that it brings."""
    return rollout.release.app_version if rollout.release else rollout.architecture


def current_of(instance: Instance, rollout: Rollout) -> str:
    """What the instance has of the sort that the rollout brings."""
    return instance.release.app_version if rollout.release_id else instance.architecture


def is_for(channel: str, rollout: Rollout) -> bool:
    """Whether instances on the channel get what the rollout brings. An architecture is for all but the paused."""
    if rollout.release is None:
        return channel != Channel.PAUSED
    return follows(channel, rollout.release.channel)


def why_left_out(instance: Instance, rollout: Rollout) -> str:
    """Why a running instance is no member of the rollout, for people; "" when it is one."""
    if rollout.release is None and instance.tenancy == Tenancy.BYOK:
        return "its infrastructure is its people's own"
    if has_target(instance, rollout):
        return f"has {current_of(instance, rollout)} already"
    if instance.channel == Channel.PAUSED:
        return "its channel is paused"
    if not is_for(instance.channel, rollout):
        return f"follows {instance.channel}"
    return ""


def latest_postponement(member: RolloutMember, rollout: Rollout, now: datetime) -> datetime:
    """How far it can be put off: so many days from when its turn came, or would come at the soonest."""
    return (member.stage.started_at or now) + timedelta(days=rollout.longest_postponement_days)


def turns_of(
    rollout: Rollout, stages: Iterable[RolloutStage], slots: Mapping[int, Slot] | None = None
) -> dict[int, Turn]:
    """By position, whether the time of a stage has come. `slots`: the timetable, where people read of it."""
    ordered = sorted(stages, key=lambda stage: stage.position)
    turns: dict[int, Turn] = {}
    wants = ""
    for number, stage in enumerate(ordered, start=1):
        is_open = rollout.status != Rollout.Status.DRAFT and stage.status in OPEN
        if not is_open:
            wants = wants or wants_of(stage)
        slot = (slots or {}).get(stage.position)
        turns[stage.position] = Turn(number, len(ordered), is_open, slot.opens_at if slot else None, wants)
    return turns


def wants_of(stage: RolloutStage) -> str:
    """What a person or a rehearsal must say before it begins; completes “once …”."""
    if stage.needs_approval and stage.approved_at is None:
        return "our people have approved it"
    return "the upgrade has been rehearsed" if stage.status == RolloutStage.Status.HELD else ""


def facts_of(member: RolloutMember, rollout: Rollout, turn: Turn, known: Circumstances, now: datetime) -> Facts:
    """All that matters for one member, whose instance is at hand."""
    instance = member.instance
    return Facts(
        now=now,
        turn=turn,
        window=window_of(instance),
        is_emergency=rollout.is_emergency,
        is_paused=rollout.status == Rollout.Status.PAUSED,
        instance_status=instance.status,
        channel=instance.channel,
        is_for_its_channel=is_for(instance.channel, rollout),
        hold=held_back(known.holds.get(instance.pk), rollout),
        not_before=member.not_before,
        operation=known.operations.get(instance.pk, ""),
    )


def obstacle_of(
    member: RolloutMember, rollout: Rollout, turn: Turn, known: Circumstances, now: datetime
) -> Obstacle | None:
    """What keeps a planned member from its turn; None when nothing does."""
    return obstacle(facts_of(member, rollout, turn, known, now))


def held_back(hold: Hold | None, rollout: Rollout) -> HeldBack | None:
    """The hold, unless it lets this change pass: a pin does, up to its version."""
    if hold is None:
        return None
    pin = hold.release.app_version if hold.release else ""
    if pin and rollout.release and not is_newer(rollout.release.app_version, pin):
        return None
    return HeldBack(hold.reason, hold.until, pin)


def to_rehearse_with(rollout: Rollout, stage: RolloutStage, planned: Iterable[RolloutMember]) -> list[RolloutMember]:
    """Whom a stage is rehearsed with: as many running, dedicated production members as the policy says, by their
    places; of the stages after it where it has too few. Members have their instance and stage at hand.
    """
    fit = [
        member
        for member in planned
        if member.stage.position >= stage.position
        and member.instance.status == InstanceStatus.RUNNING  # a suspended one has no backup of last night
        and (member.instance.kind, member.instance.tenancy) == (Kind.PRODUCTION, Tenancy.DEDICATED)
    ]
    fit.sort(key=lambda member: (member.stage.position, place_of(rollout.salt, member.instance_id)))
    return fit[: rollout.policy.rehearsals]
