"""For the people of an instance: why it is not on the newest release yet, when it will be, and what is planned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Avg

from portal.core import clock
from portal.core.models import Organization
from provisioning.engine import graph
from provisioning.fleet.architectures import is_unnoticed
from provisioning.fleet.obstacles import Cause
from provisioning.fleet.places import follows
from provisioning.fleet.versions import is_newer, order
from provisioning.fleet.windows import day_in_words, window_of
from provisioning.models import (
    Channel,
    Hold,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationStatus,
    Release,
    Rollout,
    RolloutMember,
)
from provisioning.models.operations import LIVE
from provisioning.selectors.outlook import Outlook, kind_of, outlooks_of, seconds_each

Status = RolloutMember.Status
LEARNT_FROM = timedelta(days=90)
GOING = (Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.SUCCEEDED)


@dataclass(frozen=True)
class ReleaseStanding:
    """`newest` is the newest release that its channel gets, or of all once it has that. No internal errors in here.

    `sentence` says why it does not have `newest` yet, "" when it does. `expected_at` is None when nobody can tell.
    """

    version: str
    newest: Release | None
    sentence: str
    expected_at: datetime | None
    member: RolloutMember | None


@dataclass(frozen=True)
class Planned:
    """Something that will be done to an instance, for its people's calendar: within the window from start to end."""

    instance: Instance
    title: str
    starts_at: datetime
    ends_at: datetime
    expected_downtime_seconds: float
    member: RolloutMember


@dataclass(frozen=True)
class Known:
    """What the sentences are made of, for many instances."""

    releases: Sequence[Release]  # the published ones, newest first
    members: Mapping[str, RolloutMember]
    outlooks: Mapping[int, Outlook]
    holds: Mapping[str, Hold]
    upgrading: Mapping[str, str]  # to which version
    now: datetime


def standing_of_release(instance: Instance) -> ReleaseStanding:
    """How the instance stands to the newest release. A constant number of queries."""
    return standings_of_releases([instance])[instance.pk]


def standings_of_releases(instances: Iterable[Instance]) -> dict[str, ReleaseStanding]:
    """By instance, each with its release at hand. A constant number of queries, however many instances."""
    listed = list(instances)
    known = _known([instance.pk for instance in listed])
    return {instance.pk: _standing(instance, known) for instance in listed}


def planned_for(organization: Organization) -> list[Planned]:
    """What rollouts will do to the organization's instances, the soonest first, as far as it can be told."""
    rows = RolloutMember.objects.filter(
        status=Status.PLANNED, rollout__status__in=GOING, instance__organization=organization
    ).exclude(instance__status=InstanceStatus.DELETED)
    members = list(rows.select_related("rollout__release", "instance__release").order_by("pk"))
    outlooks = outlooks_of(members)
    kinds = {kind_of(member.rollout) for member in members}
    downtime = {kind: expected_downtime_seconds(kind) for kind in kinds}
    seconds = {kind: seconds_each(kind) for kind in kinds}
    planned = [
        _planned(member, begins_at, downtime[kind_of(member.rollout)], seconds[kind_of(member.rollout)])
        for member in members
        if (begins_at := outlooks[member.pk].begins_at) is not None
    ]
    return sorted(planned, key=lambda item: (item.starts_at, item.instance.slug))


def expected_downtime_seconds(kind: str) -> float:
    """What was measured from outside lately, or else what the workflow's table reckons with. One query."""
    past = Operation.objects.filter(
        kind=kind, status=OperationStatus.SUCCEEDED, finished_at__gte=clock.now() - LEARNT_FROM, probes__gt=0
    )
    measured = past.aggregate(average=Avg("downtime_seconds"))["average"]
    if measured is not None:
        return float(measured)
    nodes = graph.workflow_of(kind).nodes
    return float(settings.ENGINE_PACE) * sum(node.interrupts.total_seconds() for node in nodes)


def _planned(member: RolloutMember, begins_at: datetime, downtime: float, seconds: float) -> Planned:
    rollout, instance = member.rollout, member.instance
    title = f"Upgrade to {rollout.release}" if rollout.release else "Renewal of the infrastructure"
    if rollout.architecture and is_unnoticed(instance.architecture, rollout.architecture):
        downtime = 0.0  # what other moves have taken says nothing of this one
    end = begins_at + timedelta(seconds=seconds)
    if not rollout.is_emergency:
        end = window_of(instance).next(begins_at)[1]
    return Planned(instance, title, begins_at, end, downtime, member)


def _known(ids: Sequence[str]) -> Known:
    """Of each instance its place in the latest rollout of a release that has begun. At most twelve queries."""
    newest_first = sorted(
        Release.objects.filter(status=Release.Status.PUBLISHED).defer("notes"),
        key=lambda release: order(release.app_version),
        reverse=True,
    )
    latest = (
        RolloutMember.objects.filter(
            instance__in=ids, rollout__release__isnull=False, rollout__started_at__isnull=False
        )
        .select_related("rollout__release", "instance", "operation")
        .defer("operation__wanted", "operation__previous", "operation__inputs")
        .order_by("instance_id", "-rollout__started_at", "-pk")
        .distinct("instance_id")
    )
    members = {member.instance_id: member for member in latest}
    going = [m for m in members.values() if m.status == Status.PLANNED and m.rollout.status in GOING]
    holds = Hold.objects.filter(instance__in=ids, ended_at__isnull=True).select_related("release")
    upgrades = Operation.objects.filter(instance__in=ids, kind=OperationKind.UPGRADE, status__in=LIVE)
    return Known(
        releases=newest_first,
        members=members,
        outlooks=outlooks_of(going),
        holds={hold.instance_id: hold for hold in holds},
        upgrading=dict(upgrades.values_list("instance_id", "wanted__app_version")),
        now=clock.now(),
    )


def _standing(instance: Instance, known: Known) -> ReleaseStanding:
    version, member = instance.release.app_version, known.members.get(instance.pk)
    offered = next((release for release in known.releases if follows(instance.channel, release.channel)), None)
    newest = known.releases[0] if known.releases else None
    if offered and is_newer(offered.app_version, version):
        if instance.status == InstanceStatus.SUSPENDED:
            sentence = f"It is suspended, and catches up with {offered} once it is resumed."
            return ReleaseStanding(version, offered, sentence, None, member)
        sentence, expected_at = _why_not_yet(instance, offered, known)
        return ReleaseStanding(version, offered, sentence, expected_at, member)
    if newest and is_newer(newest.app_version, version):
        return ReleaseStanding(version, newest, _beyond_its_channel(instance, newest), None, member)
    return ReleaseStanding(version, newest, "", None, member)


def _beyond_its_channel(instance: Instance, newest: Release) -> str:
    if instance.channel == Channel.PAUSED:
        return "Its upgrades are paused: it follows no channel for now."
    return f"It follows the {instance.channel} channel, and {newest} is only released to {newest.channel} so far."


def _why_not_yet(instance: Instance, offered: Release, known: Known) -> tuple[str, datetime | None]:
    if towards := known.upgrading.get(instance.pk):
        return f"It is being upgraded to {towards} now.", known.now
    member, hold = known.members.get(instance.pk), known.holds.get(instance.pk)
    if member and _is_ahead(member, instance):
        if outlook := known.outlooks.get(member.pk):
            begins_at = outlook.begins_at
            if hold and outlook.cause is Cause.HOLD:
                return _held(instance, hold), begins_at
            return _its_turn(outlook, member.rollout), begins_at
        if sentence := _what_came_of_it(member, instance):
            return sentence, None
    if hold and not (hold.release and is_newer(hold.release.app_version, instance.release.app_version)):
        return _held(instance, hold), None
    return f"The rollout of {offered} has not reached it yet: it is not planned so far.", None


def _is_ahead(member: RolloutMember, instance: Instance) -> bool:
    release = member.rollout.release
    return release is not None and is_newer(release.app_version, instance.release.app_version)


def _its_turn(outlook: Outlook, rollout: Rollout) -> str:
    if outlook.cause is Cause.STAGE:
        return f"Its turn comes with {outlook.why}."
    if outlook.cause is Cause.PAUSED:
        return f"The rollout of {rollout.release} is paused while our people look into it."
    if outlook.is_refused:
        return "Its upgrade could not begin; our people are on it."
    return f"It waits for {outlook.why}."


def _held(instance: Instance, hold: Hold) -> str:
    day = day_in_words(hold.until, window_of(instance).zone)
    word = f"Pinned to {hold.release}" if hold.release else f"Held at {instance.release}"
    return f"{word} until {day}: {hold.reason.rstrip('.')}."


def _what_came_of_it(member: RolloutMember, instance: Instance) -> str:
    release, at = member.rollout.release, member.finished_at
    day = f" on {day_in_words(at, window_of(instance).zone)}" if at else ""
    if member.status == Status.FAILED:
        return f"The upgrade to {release} failed{day}; our people are on it."
    if member.status in {Status.UNDONE, Status.GOING_BACK}:
        return f"{release} was taken back{day}; a newer one will follow."
    if member.status == Status.SKIPPED and member.rollout.status not in {
        Rollout.Status.ABORTED,
        Rollout.Status.ROLLING_BACK,
        Rollout.Status.ROLLED_BACK,
        Rollout.Status.SUPERSEDED,
    }:
        return f"It is left out of the rollout of {release} for now."
    if member.status == Status.RUNNING:
        return f"It is being upgraded to {release} now."
    return f"The rollout of {release} was stopped." if member.rollout.status == Rollout.Status.ABORTED else ""
