"""The beat that moves rollouts on: a constant number of queries each, and at most so many requests (decision 9).

A rollout is looked at under its row's lock. Each member then begins in a transaction of its own, with the row locked
and the room counted again: two beats at once begin nobody twice and never too many, and no operation of the fleet
waits until all of them are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog
from django.db import OperationalError, transaction
from django.db.models import Count, Exists, OuterRef, Q

from portal.core import clock
from provisioning.fleet.members import circumstances_of, obstacle_of, turns_of
from provisioning.models import Rollout, RolloutMember, RolloutStage
from provisioning.services.rehearsals import rehearsals_go_on
from provisioning.services.rollouts.begin import Called, begin, begin_to_go_back
from provisioning.services.rollouts.ends import settle_ended
from provisioning.services.rollouts.stages import (
    Crowd,
    close_stage,
    current_stage,
    harm,
    open_stage,
    pause_by_itself,
)

MOST_STARTS_PER_TICK = 50
# Of an instance, for its obstacles: a thousand are looked at in one tick.
LOOKED_AT = ("status", "channel", "region", "maintenance_weekday", "maintenance_hour", "time_zone")
Member = RolloutMember.Status
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """The planned members of the stages that are open: who may begin; of the present stage, how many still could go,
    and how many of those have been refused.
    """

    free: tuple[Called, ...]
    could_go: int
    refused: int = 0


def rollouts_tick() -> int:
    """Every rollout has moved on as far as it may; answers how many operations were asked for.

    A broken rollout, or a broken member, does not stop the others.
    """
    rehearsals_go_on()
    settle_ended()
    waiting = RolloutMember.objects.filter(rollout=OuterRef("pk"), status=Member.PLANNED)
    late_comers = Q(status=Rollout.Status.SUCCEEDED) & Exists(waiting)
    moving = Rollout.objects.filter(Q(status__in=[Rollout.Status.RUNNING, Rollout.Status.ROLLING_BACK]) | late_comers)
    return sum(_moved_on(pk) for pk in moving.order_by("started_at").values_list("pk", flat=True))


def _moved_on(rollout_id: str) -> int:
    try:
        with transaction.atomic():
            starts = _look(rollout_id)
        return _count_until_refused(starts)
    except OperationalError:
        raise  # it is the database that is away
    except Exception:
        log.exception("this rollout could not be moved on", rollout=rollout_id)
        return 0


def _look(rollout_id: str) -> list[Callable[[], bool | None]]:
    """Whatever is to be written about the rollout itself is written; answers what is to be begun."""
    rollout = _taken(rollout_id)
    if rollout is None:
        return []
    if rollout.status == Rollout.Status.ROLLING_BACK:
        return [partial(begin_to_go_back, rollout.pk, called) for called in _to_take_back(rollout)]
    return [partial(begin, rollout.pk, called) for called in _to_begin(rollout)]


def _taken(rollout_id: str) -> Rollout | None:
    rows = Rollout.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
    rollout = rows.select_related("release").filter(pk=rollout_id).first()
    moving = {Rollout.Status.RUNNING, Rollout.Status.ROLLING_BACK, Rollout.Status.SUCCEEDED}
    return rollout if rollout and rollout.status in moving else None


def _count_until_refused(starts: list[Callable[[], bool | None]]) -> int:
    """None says that nobody else of the rollout may begin now."""
    begun = 0
    for start in starts:
        answer = start()
        if answer is None:
            break
        begun += answer
    return begun


def _to_begin(rollout: Rollout) -> tuple[Called, ...]:
    """The members that begin now; stages are opened and closed, and a broken gate pauses the rollout."""
    stages = list(rollout.stages.all())
    stage = current_stage(rollout, stages)
    is_running = rollout.status == Rollout.Status.RUNNING
    if why := harm(rollout, stage):
        if is_running:
            pause_by_itself(rollout, stage, why)
        return ()
    if is_running:
        open_stage(rollout, stage)
    counts = _counts(rollout, stage)
    room = min(MOST_STARTS_PER_TICK, rollout.most_at_once - counts["under_way"])
    waiting = _waiting(rollout, stages, room) if room > 0 else Waiting((), counts["planned"])
    if is_running:
        crowd = Crowd(waiting.could_go, waiting.refused, counts["stage_under_way"], counts["turned"])
        close_stage(rollout, stages, crowd)
    return waiting.free


def _counts(rollout: Rollout, stage: RolloutStage) -> dict[str, int]:
    """Of the rollout: who is under way. Of the stage: the same, who is planned, and who has had their turn."""
    under_way, own = Q(status__in=[Member.RUNNING, Member.GOING_BACK]), Q(stage=stage)
    return rollout.members.aggregate(
        under_way=Count("pk", filter=under_way),
        stage_under_way=Count("pk", filter=own & under_way),
        planned=Count("pk", filter=own & Q(status=Member.PLANNED)),
        turned=Count("pk", filter=own & Q(status__in=[Member.DONE, Member.FAILED])),
    )


def _waiting(rollout: Rollout, stages: list[RolloutStage], room: int) -> Waiting:
    """Those that were refused before come after the others, so that they take nobody's turn."""
    turns = turns_of(rollout, stages)
    positions = {stage.pk: stage.position for stage in stages if turns[stage.position].is_open}
    planned = list(
        rollout.members.filter(status=Member.PLANNED, stage__in=positions)
        .select_related("instance")
        .only("rollout", "stage", "waiting_for", "not_before", *(f"instance__{column}" for column in LOOKED_AT))
        .order_by("waiting_for", "stage__position", "pk")
    )
    known, now = circumstances_of(member.instance_id for member in planned), clock.now()
    free, could_go, refused = list[Called](), 0, 0
    for member in planned:
        position = positions[member.stage_id]
        obstacle = obstacle_of(member, rollout, turns[position], known, now)
        if obstacle is None:
            free.append(Called(member.pk, member.instance_id))
        if position == rollout.stage_position:
            could_go += obstacle is None or obstacle.cause.keeps_open
            refused += obstacle is None and bool(member.waiting_for)
    return Waiting(tuple(free[:room]), could_go, refused)


def _to_take_back(rollout: Rollout) -> tuple[Called, ...]:
    """The members that go back now; with nobody left that has it, the rollout is rolled back.

    Whoever has had something newer since keeps that.
    """
    has_it = Q(status=Member.DONE, instance__release=rollout.release_id)
    counts = rollout.members.aggregate(
        under_way=Count("pk", filter=Q(status__in=[Member.RUNNING, Member.GOING_BACK])),
        done=Count("pk", filter=has_it),
    )
    if not counts["under_way"] and not counts["done"]:
        rollout.status, rollout.finished_at = Rollout.Status.ROLLED_BACK, clock.now()
        rollout.save(update_fields=["status", "finished_at"])
        return ()
    room = min(MOST_STARTS_PER_TICK, rollout.most_at_once - counts["under_way"])
    done = rollout.members.filter(has_it).order_by("waiting_for", "pk")
    return tuple(Called(*pair) for pair in done.values_list("pk", "instance_id")[: max(0, room)])
