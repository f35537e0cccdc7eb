"""Stages open, rest and pass, and their gates are looked at. Called by the beat, with the rollout locked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.core import clock
from portal.core.audit import record
from provisioning.fleet.gates import Showing, broken
from provisioning.fleet.windows import rested_at
from provisioning.health.uptime import burn_since, open_outages
from provisioning.mail import rollout_paused
from provisioning.models import Rehearsal, Release, Rollout, RolloutMember, RolloutStage
from provisioning.services.rehearsals import rehearsals_begin

Member, Stage = RolloutMember.Status, RolloutStage.Status
TURNED = (Member.DONE, Member.FAILED)
BEAT = "rollouts"


@dataclass(frozen=True)
class Crowd:
    """Who of the present stage is where: still able to go (some of them refused), under way, or through with it."""

    could_go: int
    refused: int
    under_way: int
    turned: int


def current_stage(rollout: Rollout, stages: Sequence[RolloutStage]) -> RolloutStage:
    return next(stage for stage in stages if stage.position == rollout.stage_position)


def harm(rollout: Rollout, stage: RolloutStage) -> str:
    """Why nobody else may begin: the release was withdrawn, or the stage's gate is broken. "" when all is well."""
    release = rollout.release
    if release and release.status == Release.Status.WITHDRAWN:
        return f"{release} was withdrawn: {release.withdrawn_because or 'no reason was given.'}"
    if stage.status not in {Stage.RUNNING, Stage.SOAKING}:
        return ""
    return broken(stage, _showing(rollout, stage))


def open_stage(rollout: Rollout, stage: RolloutStage) -> None:
    """The stage whose turn it is runs, or is held and says what for. One without members asks for nothing."""
    if stage.status not in {Stage.PLANNED, Stage.HELD}:
        return
    why = _wants(rollout, stage) if stage.members.exists() else ""
    status = Stage.HELD if why else Stage.RUNNING
    if (stage.status, stage.waiting_for) == (status, why):
        return
    stage.status, stage.waiting_for = status, why
    stage.started_at = None if why else clock.now()
    stage.save(update_fields=["status", "waiting_for", "started_at"])


def close_stage(rollout: Rollout, stages: Sequence[RolloutStage], crowd: Crowd) -> None:
    """A stage in which nobody is left that could go rests; one that has rested has passed, and the next has its turn.

    Where nobody had their turn there is nothing to watch, and it does not rest.
    """
    stage, now = current_stage(rollout, stages), clock.now()
    if stage.status == Stage.RUNNING:
        _say_who_is_left(stage, crowd)
        if not crowd.could_go and not crowd.under_way:
            stage.status, stage.soaking_since = Stage.SOAKING, now
            stage.save(update_fields=["status", "soaking_since"])
            _prepare_next(rollout, stages)
    if stage.status == Stage.SOAKING and (not crowd.turned or _has_rested(stage, now)):
        _pass(rollout, stage, stages)


def pause_by_itself(rollout: Rollout, stage: RolloutStage, why: str) -> None:
    """The rollout is paused, and everybody who runs the fleet is told, once for each time."""
    rollout.status, rollout.paused_because = Rollout.Status.PAUSED, why
    rollout.save(update_fields=["status", "paused_because"])
    _record("rollout.gate-broken", rollout, stage=stage.position, why=why)
    rollout_paused(rollout, stage)


def rehearsals_want(rollout: Rollout, stage: RolloutStage) -> str:
    """What a stage's rehearsals still lack; completes “waiting for …”. "" when none are asked for, or all passed."""
    if not stage.needs_rehearsal:
        return ""
    rehearsals = list(rollout.rehearsals.select_related("instance"))
    failed = [rehearsal for rehearsal in rehearsals if rehearsal.status == Rehearsal.Status.FAILED]
    if failed and not was_overruled(rollout, stage):
        names = ", ".join(rehearsal.instance.slug for rehearsal in failed)
        return f"a person: the rehearsal with {names} has failed. Approve the stage all the same, or abort"
    passed = sum(rehearsal.status == Rehearsal.Status.PASSED for rehearsal in rehearsals)
    if passed + len(failed) < len(rehearsals):
        return f"the rehearsals: {passed} of {len(rehearsals)} have passed"
    return ""


def was_overruled(rollout: Rollout, stage: RolloutStage) -> bool:
    """Whether somebody has approved the stage after the last of its rehearsals had failed."""
    ends = rollout.rehearsals.filter(status=Rehearsal.Status.FAILED).values_list("finished_at", flat=True)
    last = max((end for end in ends if end), default=None)
    return stage.approved_at is not None and (last is None or stage.approved_at > last)


def _wants(rollout: Rollout, stage: RolloutStage) -> str:
    """What it waits for before it begins. Rehearsals that nobody has begun yet begin now."""
    if stage.needs_rehearsal:
        rehearsals_begin(rollout=rollout, stage=stage)
    if stage.needs_approval and stage.approved_at is None:
        return "an approval"
    return rehearsals_want(rollout, stage)


def _say_who_is_left(stage: RolloutStage, crowd: Crowd) -> None:
    """When nothing but refused members is left, the stage waits for a person."""
    is_stuck = crowd.refused and crowd.refused == crowd.could_go and not crowd.under_way
    why = f"a person: {crowd.refused} of its members could not begin; mend or skip them" if is_stuck else ""
    if stage.waiting_for != why:
        stage.waiting_for = why
        stage.save(update_fields=["waiting_for"])


def _prepare_next(rollout: Rollout, stages: Sequence[RolloutStage]) -> None:
    """The next stage is rehearsed while this one rests."""
    following = next((stage for stage in stages if stage.position > rollout.stage_position), None)
    if following and following.needs_rehearsal:
        rehearsals_begin(rollout=rollout, stage=following)


def _has_rested(stage: RolloutStage, now: datetime) -> bool:
    since = stage.soaking_since or now
    return now >= rested_at(since, stage.soak_hours, skips_weekends=stage.soak_skips_weekends)


def _pass(rollout: Rollout, stage: RolloutStage, stages: Sequence[RolloutStage]) -> None:
    stage.status, stage.passed_at = Stage.PASSED, clock.now()
    stage.save(update_fields=["status", "passed_at"])
    _record("rollout.stage-passed", rollout, stage=stage.position)
    following = [other for other in stages if other.position > stage.position]
    if following:
        rollout.stage_position = following[0].position
        open_stage(rollout, following[0])
    else:
        rollout.status, rollout.finished_at = Rollout.Status.SUCCEEDED, clock.now()
        _record("rollout.succeeded", rollout)
    rollout.save(update_fields=["stage_position", "status", "finished_at"])


def _showing(rollout: Rollout, stage: RolloutStage) -> Showing:
    """Failures count since somebody last decided that it goes on; so do outages and what they burn."""
    since = rollout.resumed_at
    turned = stage.members.filter(status__in=TURNED).values_list("instance_id", "status", "finished_at")
    rows = [(instance, status, at) for instance, status, at in turned if at]
    recent = [status for _, status, at in rows if since is None or at > since]
    done = {instance: max(at, since or at) for instance, status, at in rows if status == Member.DONE}
    outages = open_outages(done).values() if done else []
    return Showing(
        turns=len(recent),
        failed=recent.count(Member.FAILED),
        done=len(done),
        unhealthy=sum(since is None or outage.began_at > since for outage in outages),
        burn=burn_since(done.items()) if done else 0.0,
    )


def _record(action: str, rollout: Rollout, **details: object) -> None:
    record(action, rollout, actor_label=BEAT, details={"rollout": str(rollout), **details})
