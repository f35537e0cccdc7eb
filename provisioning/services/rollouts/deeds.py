"""What people do to a rollout: start, pause, resume, widen, approve, abort, roll back."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict
from provisioning.models import Rollout, RolloutMember, RolloutStage
from provisioning.services.rollouts.making import check_offered, members_place, members_renew
from provisioning.services.rollouts.stages import current_stage, rehearsals_want, was_overruled
from provisioning.services.rollouts.states import UNDER_WAY, check_reason, in_words, taken, told

Member, Stage = RolloutMember.Status, RolloutStage.Status
SHARES = ("internal_percent", "trial_percent", "customer_percent")


def rollout_start(*, rollout: Rollout, actor: Actor, reason: str = "") -> Rollout:
    """It runs, and what it supersedes does no longer. Members are as the fleet is now.

    What the former has begun goes on; those instances get the newer one in their turn. Raises Conflict while another
    rollout of its sort is under way, Invalid when its release is no longer published.
    """
    with transaction.atomic():
        row = taken(rollout.pk, "started")
        if row.release:
            check_offered(row.release)
        _take_over(row, actor, reason)
        row.status, row.started_at = Rollout.Status.RUNNING, clock.now()
        _save(row, "status", "started_at")
        members_renew(row)
        windows = "ignored" if row.is_emergency else "respected"
        told("rollout.start", row, actor, reason or row.reason, windows=windows, members=row.members.count())
    return row


def rollout_pause(*, rollout: Rollout, actor: Actor, reason: str) -> Rollout:
    """Nobody else begins. What runs goes on to its end. A reason is required."""
    check_reason(reason, "it is to be paused")
    with transaction.atomic():
        row = taken(rollout.pk, "paused")
        row.status, row.paused_because = Rollout.Status.PAUSED, reason
        _save(row, "status", "paused_because")
        told("rollout.pause", row, actor, reason)
    return row


def rollout_resume(*, rollout: Rollout, actor: Actor, reason: str) -> Rollout:
    """It goes on where it stood. What went wrong until now is somebody's decision: gates look at what comes after."""
    check_reason(reason, "it may go on")
    with transaction.atomic():
        row = taken(rollout.pk, "resumed")
        told("rollout.resume", row, actor, reason, was_paused_because=row.paused_because)
        row.status, row.paused_because, row.resumed_at = Rollout.Status.RUNNING, "", clock.now()
        _save(row, "status", "paused_because", "resumed_at")
    return row


def rollout_widen(*, rollout: Rollout, actor: Actor, reason: str, stage: RolloutStage | None = None) -> Rollout:
    """The stage that is its turn takes in the next one's members at once, without a rest between.

    `stage` is the one to be taken in, as the page showed it: then a second click is a Conflict. It counts as that
    stage's approval; a rehearsal that it asks for must have passed.
    """
    check_reason(reason, "the rest between the stages is not needed")
    with transaction.atomic():
        row = taken(rollout.pk, "widened")
        current, following = _next_shares(row)
        if stage is not None and stage.pk != following.pk:
            raise Conflict("It has been widened already.")
        if why := rehearsals_want(row, following):
            raise Conflict(f"“{following}” waits for {why}.")
        _take_in(current, following, actor)
        members_place(row)
        told("rollout.widen", row, actor, reason, stage=current.position, to=following.position)
    return row


def stage_approve(*, stage: RolloutStage, actor: Actor, reason: str) -> RolloutStage:
    """The stage may begin in its turn. Given after a rehearsal has failed, it overrules that. Needs a reason."""
    check_reason(reason, "it may begin")
    with transaction.atomic():
        row = taken(stage.rollout_id, "approved")
        locked = row.stages.select_for_update(no_key=True).get(pk=stage.pk)
        if locked.status not in {Stage.PLANNED, Stage.HELD}:
            raise Conflict("This stage has begun already.")
        has_failed = locked.needs_rehearsal and row.rehearsals.filter(status="failed").exists()
        if locked.approved_at and (not has_failed or was_overruled(row, locked)):
            raise Conflict("This stage has been approved already.")
        if not locked.needs_approval and not has_failed:
            raise Conflict("This stage asks for no approval.")
        _approve(locked, actor)
        told("rollout.approve", row, actor, reason, stage=locked.position, overrules_a_rehearsal=has_failed)
    return locked


def rollout_abort(*, rollout: Rollout, actor: Actor, reason: str) -> Rollout:
    """It is over. What runs goes on to its end, what is done stays. A reason is required."""
    check_reason(reason, "it is to be aborted")
    with transaction.atomic():
        row = taken(rollout.pk, "aborted")
        was = row.status
        if was == Rollout.Status.DRAFT:
            row.supersedes = None  # another draft may take its place
        row.status, row.finished_at = Rollout.Status.ABORTED, clock.now()
        _save(row, "status", "finished_at", "supersedes")
        pass_over([row], "The rollout was aborted.")
        told("rollout.abort", row, actor, reason, was=was)
    return row


def rollout_roll_back(*, rollout: Rollout, actor: Actor, reason: str) -> Rollout:
    """Whoever has it goes back to the version before, all at once and without waiting for a window. Needs a reason.

    Raises Conflict for an architecture, and while another rollout of releases is under way.
    """
    check_reason(reason, "it is to be taken back")
    with transaction.atomic():
        row = taken(rollout.pk, "rolled back")
        if row.release_id is None:
            raise Conflict("An architecture is not taken back: repair what it broke, or abort the rollout.")
        was, row.status, row.finished_at = row.status, Rollout.Status.ROLLING_BACK, None
        _save(row, "status", "finished_at")
        pass_over([row], "The rollout is taken back.")
        told("rollout.roll-back", row, actor, reason, was=was)
    return row


def pass_over(rollouts: Iterable[Rollout], why: str) -> None:
    """Whoever of them has not had their turn will not have it."""
    planned = RolloutMember.objects.filter(rollout__in=rollouts, status=Member.PLANNED)
    planned.update(status=Member.SKIPPED, skipped_because=why, waiting_for="", finished_at=clock.now())


def _take_over(row: Rollout, actor: Actor, reason: str) -> None:
    """What went before has nobody waiting any more; what this one supersedes is over."""
    begun = Rollout.objects.filter(release__isnull=row.release_id is None, started_at__isnull=False)
    others = begun.exclude(pk=row.pk)
    for former in others.filter(status__in=UNDER_WAY).select_for_update(of=("self",), no_key=True):
        _end_former(former, row, actor, reason)
    pass_over(others, f"The rollout of {row} takes over.")


def _end_former(former: Rollout, row: Rollout, actor: Actor, reason: str) -> None:
    if former.pk != row.supersedes_id or former.status == Rollout.Status.ROLLING_BACK:
        raise Conflict(
            f"The rollout of {former} is {in_words(former)}. Supersede it, or wait for it to end, or abort it."
        )
    former.status, former.finished_at, former.paused_because = Rollout.Status.SUPERSEDED, clock.now(), ""
    former.save(update_fields=["status", "finished_at", "paused_because"])
    record("rollout.supersede", former, actor=actor, reason=reason, details={"by": row.pk, "rollout": str(former)})


def _next_shares(row: Rollout) -> tuple[RolloutStage, RolloutStage]:
    """The stage that is its turn and the next with other shares."""
    stages = list(row.stages.select_for_update(no_key=True))
    current = current_stage(row, stages)
    if current.status == Stage.HELD:
        raise Conflict(f"“{current}” waits for {current.waiting_for}. See to that first.")
    own = [getattr(current, share) for share in SHARES]
    for stage in stages:
        if stage.position > current.position and [getattr(stage, share) for share in SHARES] != own:
            return current, stage
    raise Conflict("It is at its widest already.")


def _take_in(current: RolloutStage, following: RolloutStage, actor: Actor) -> None:
    for share in SHARES:
        setattr(current, share, getattr(following, share))
    if current.status == Stage.SOAKING:
        current.status, current.soaking_since = Stage.RUNNING, None
    current.save(update_fields=[*SHARES, "status", "soaking_since"])
    between = RolloutMember.objects.filter(
        rollout=current.rollout_id,
        stage__position__gt=current.position,
        stage__position__lte=following.position,
    )
    between.update(stage=current)
    if following.needs_approval and following.approved_at is None:
        _approve(following, actor)


def _approve(stage: RolloutStage, actor: Actor) -> None:
    stage.approved_by, stage.approved_at = actor.user, clock.now()
    stage.save(update_fields=["approved_by", "approved_at"])


def _save(row: Rollout, *fields: str) -> None:
    try:
        with transaction.atomic():
            row.save(update_fields=fields)
    except IntegrityError:
        raise Conflict("Another rollout of its sort is under way. Wait for it to end, or abort it.") from None
