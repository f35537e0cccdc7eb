"""A rollout is drawn up: its stages are copied from a policy, and everybody whom it is for gets a place."""

import secrets
from collections.abc import Iterable

from django.db import IntegrityError, transaction

from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.architectures import ARCHITECTURES
from provisioning.fleet.members import current_of, target_of, why_left_out
from provisioning.fleet.places import place_of, stage_position
from provisioning.fleet.versions import is_newer
from provisioning.models import (
    Instance,
    InstanceStatus,
    Kind,
    Release,
    Rollout,
    RolloutMember,
    RolloutPolicy,
    RolloutStage,
)
from provisioning.models.rollouts import StageTerms
from provisioning.services.rollouts.states import check_reason, told

TERMS = tuple(field.name for field in StageTerms._meta.fields)  # noqa: SLF001 - Django's documented model API
COMPLETED = {Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.SUCCEEDED}


def rollout_create(
    *,
    release: Release | None = None,
    architecture: str = "",
    policy: RolloutPolicy | None = None,
    is_emergency: bool = False,
    actor: Actor,
    reason: str = "",
    supersedes: Rollout | None = None,
) -> Rollout:
    """A draft stands, with its stages and a member for each running instance that it is for. Nothing happens yet.

    It brings either a release or an architecture; without a policy it follows the one that suits it. Raises Invalid,
    or Conflict when what it supersedes has a successor already.
    """
    _check(release, architecture)
    if is_emergency:
        check_reason(reason, "it cannot wait for maintenance windows")
    draft = Rollout(
        release=release, architecture=architecture, is_emergency=is_emergency, supersedes=supersedes, reason=reason
    )
    draft.created_by = actor.user
    _check_succession(draft)
    _set_terms(draft, policy or _suited(release.kind if release else "architecture"))
    with transaction.atomic():
        _save(draft)
        _copy_stages(draft)
        members_place(draft)
        told("rollout.create", draft, actor, reason, policy=draft.policy_id)
    return draft


def members_place(rollout: Rollout) -> int:
    """Every running instance that it is for has a place, and those that have one keep it; answers how many are new.

    Stand-ins of rehearsals are nobody's.
    """
    stages = {stage.position: stage for stage in rollout.stages.all()}
    members = [
        RolloutMember(
            rollout=rollout, stage=stages[position], instance=instance, previous=current_of(instance, rollout)
        )
        for instance in candidates(rollout)
        if not why_left_out(instance, rollout)
        and (position := position_of(instance, rollout, stages.values())) is not None
    ]
    return len(RolloutMember.objects.bulk_create(members))


def rollouts_complete() -> int:
    """Whoever the newest rollouts are for by now has a place in them: who did not run then, or follows another channel.

    They come as late-comers, each in their own window; answers how many.
    """
    begun = Rollout.objects.filter(started_at__isnull=False).order_by("-started_at").select_related("release")
    newest = (begun.filter(release__isnull=is_of_architecture).first() for is_of_architecture in (False, True))
    return sum(_complete(rollout) for rollout in newest if rollout and rollout.status in COMPLETED)


def _complete(rollout: Rollout) -> int:
    if rollout.release and rollout.release.status != Release.Status.PUBLISHED:
        return 0
    with transaction.atomic():
        row = Rollout.objects.select_for_update(of=("self",), no_key=True).select_related("release").get(pk=rollout.pk)
        return members_place(row) if row.status in COMPLETED else 0


def candidates(rollout: Rollout) -> Iterable[Instance]:
    """The running instances that have no place yet."""
    running = Instance.objects.filter(status=InstanceStatus.RUNNING, organization__is_synthetic=False)
    return (
        running.exclude(kind=Kind.REHEARSAL)
        .exclude(rollout_memberships__rollout=rollout)
        .select_related("release")
        .order_by("pk")
    )


def position_of(instance: Instance, rollout: Rollout, stages: Iterable[RolloutStage]) -> int | None:
    """The stage that the instance belongs to by its place; None when the last stage does not reach it."""
    place = place_of(rollout.salt, instance.pk)
    return stage_position(place, kind=instance.kind, tenancy=instance.tenancy, stages=stages)


def members_renew(rollout: Rollout) -> None:
    """What has changed since the draft: who has it by now loses their place, who has come gets one."""
    planned = rollout.members.filter(status=RolloutMember.Status.PLANNED).select_related("instance__release")
    gone = [
        member.pk
        for member in planned
        if member.instance.status != InstanceStatus.RUNNING or why_left_out(member.instance, rollout)
    ]
    rollout.members.filter(pk__in=gone).delete()
    members_place(rollout)


def check_offered(release: Release) -> None:
    """Raises Invalid unless the release is published."""
    if release.status != Release.Status.PUBLISHED:
        raise Invalid(f"{release} is {release.status}; only a published release is rolled out.", field="release")


def _check(release: Release | None, architecture: str) -> None:
    if (release is None) == (not architecture):
        raise Invalid("A rollout brings either a release or an architecture.")
    if release:
        check_offered(release)
        return
    if architecture not in ARCHITECTURES:
        raise Invalid(f"There is no architecture {architecture}.", field="architecture")


def _suited(kind: str) -> RolloutPolicy:
    policy = RolloutPolicy.objects.filter(suits__contains=[kind]).first()
    if policy is None:
        raise Invalid(f"No policy is meant for {kind}. Choose one.", field="policy")
    return policy


def _set_terms(draft: Rollout, policy: RolloutPolicy) -> None:
    """As the policy says today. What supersedes another keeps everybody's place."""
    draft.policy = policy
    draft.most_at_once = policy.most_at_once
    draft.longest_postponement_days = policy.longest_postponement_days
    draft.salt = draft.supersedes.salt if draft.supersedes else secrets.token_hex(16)


def _check_succession(draft: Rollout) -> None:
    former = draft.supersedes
    if former is None:
        return
    if bool(former.release_id) != bool(draft.release):
        raise Invalid("Releases supersede releases, architectures architectures.", field="supersedes")
    if former.status == Rollout.Status.DRAFT:
        raise Invalid("A draft is not superseded; abort it instead.", field="supersedes")
    if not is_newer(target_of(draft), target_of(former)):
        raise Invalid(f"{target_of(draft)} is not newer than {target_of(former)}.", field="supersedes")


def _save(draft: Rollout) -> None:
    try:
        with transaction.atomic():
            draft.save(force_insert=True)
    except IntegrityError:
        raise Conflict("That rollout has a successor already. Start or abort it.", field="supersedes") from None


def _copy_stages(draft: Rollout) -> None:
    stages = list(draft.policy.stages.all())
    if not stages:
        raise Invalid(f"The policy “{draft.policy}” has no stages.", field="policy")
    RolloutStage.objects.bulk_create(
        RolloutStage(rollout=draft, **{name: getattr(stage, name) for name in TERMS} | {"position": position})
        for position, stage in enumerate(stages, start=1)
    )
