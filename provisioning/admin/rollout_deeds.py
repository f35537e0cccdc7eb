"""What people do to a rollout. Each calls one service, which audits it; which is legal when is the service's to say."""

from collections.abc import Callable
from dataclasses import dataclass

from portal.core.admin.deeds import Answers, Deed
from portal.core.audit import Actor
from provisioning.admin.rollout_forms import (
    MemberForm,
    NextStageForm,
    RollBackForm,
    StageForm,
    StartForm,
    going_back,
    unapproved,
    wider_stage,
)
from provisioning.models import Rollout, RolloutMember
from provisioning.services.rollouts import (
    rollout_abort,
    rollout_pause,
    rollout_resume,
    rollout_roll_back,
    rollout_skip,
    rollout_start,
    rollout_widen,
    stage_approve,
)
from provisioning.services.rollouts.states import LEGAL


@dataclass(frozen=True)
class RolloutDeed(Deed):
    """A deed that says what it means for this very rollout."""

    tells: Callable[[Rollout], str] = lambda _rollout: ""


def _legal(deed: str) -> Callable[[Rollout], bool]:
    return lambda rollout: rollout.status in LEGAL[deed]


def _can_be_widened(rollout: Rollout) -> bool:
    return rollout.status in LEGAL["widened"] and wider_stage(rollout) is not None


def _can_be_approved(rollout: Rollout) -> bool:
    return rollout.status in LEGAL["approved"] and bool(unapproved(rollout))


def _can_be_aborted(rollout: Rollout) -> bool:
    return rollout.status in LEGAL["aborted"] - {Rollout.Status.DRAFT}


def _can_be_rolled_back(rollout: Rollout) -> bool:
    return rollout.status in LEGAL["rolled back"] and bool(rollout.release_id) and going_back(rollout) > 0


def _who_starts(rollout: Rollout) -> str:
    count, stages = rollout.members.count(), len(rollout.stages.all())
    who = f"{count} instance{'' if count == 1 else 's'} in {stages} stage{'' if stages == 1 else 's'}."
    if rollout.supersedes:
        who = f"{who} The rollout of {rollout.supersedes} is over with it; everybody keeps their place."
    if rollout.is_emergency:
        return f"{who} It is an emergency: windows are ignored, nobody can put it off, and the audit says so."
    return f"{who} Each goes in its own maintenance window."


def _who_goes_back(rollout: Rollout) -> str:
    under_way = rollout.members.filter(status=RolloutMember.Status.RUNNING).count()
    have_it = going_back(rollout) - under_way
    who = "1 instance goes" if have_it == 1 else f"{have_it} instances go"
    words = f"{who} back to the version from before, all at once and without waiting for a window."
    return f"{words} {under_way} that are under way follow when they have ended." if under_way else words


def _start(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_start(rollout=rollout, actor=actor, reason=answers["reason"])
    return f"The rollout of {rollout} runs."


def _discard(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_abort(rollout=rollout, actor=actor, reason=answers["reason"])
    return f"The draft of {rollout} is discarded."


def _pause(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_pause(rollout=rollout, actor=actor, reason=answers["reason"])
    return "It is paused: nobody else begins."


def _resume(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_resume(rollout=rollout, actor=actor, reason=answers["reason"])
    return "It goes on."


def _widen(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_widen(rollout=rollout, stage=answers["stage"], actor=actor, reason=answers["reason"])
    return f"“{answers['stage']}” is taken in."


def _approve(_rollout: Rollout, answers: Answers, actor: Actor) -> str:
    stage_approve(stage=answers["stage"], actor=actor, reason=answers["reason"])
    return f"“{answers['stage']}” is approved."


def _skip(_rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_skip(member=answers["member"], actor=actor, reason=answers["reason"])
    return f"“{answers['member'].instance}” is left as it is."


def _abort(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_abort(rollout=rollout, actor=actor, reason=answers["reason"])
    return f"The rollout of {rollout} is aborted."


def _roll_back(rollout: Rollout, answers: Answers, actor: Actor) -> str:
    rollout_roll_back(rollout=rollout, actor=actor, reason=answers["reason"])
    return f"{rollout} is being taken back."


START = RolloutDeed(
    name="start",
    title="Start",
    explanation="Its first stage begins at once.",
    do=_start,
    is_possible=_legal("started"),
    form=StartForm,
    icon="play_arrow",
    is_usual=True,
    tells=_who_starts,
)
DISCARD = RolloutDeed(
    name="discard",
    title="Discard the draft",
    explanation="Nothing has happened yet, and nothing will.",
    do=_discard,
    is_possible=lambda rollout: rollout.status == Rollout.Status.DRAFT,
    icon="delete",
)
RESUME = RolloutDeed(
    name="resume",
    title="Resume",
    explanation="It goes on where it stood. What has failed so far is your decision: gates look at what comes after.",
    do=_resume,
    is_possible=_legal("resumed"),
    icon="play_arrow",
    is_usual=True,
)
PAUSE = RolloutDeed(
    name="pause",
    title="Pause",
    explanation="Nobody else begins. What runs goes on to its end.",
    do=_pause,
    is_possible=_legal("paused"),
    icon="pause",
)
APPROVE = RolloutDeed(
    name="approve",
    title="Approve",
    explanation="The stage may begin in its turn. After a failed rehearsal this says: all the same.",
    do=_approve,
    is_possible=_can_be_approved,
    form=StageForm,
    icon="thumb_up",
)
WIDEN = RolloutDeed(
    name="widen",
    title="Widen",
    explanation="The present stage takes in the next one's members at once, without resting in between. It counts as "
    "that stage's approval.",
    do=_widen,
    is_possible=_can_be_widened,
    form=NextStageForm,
    icon="unfold_more",
)
SKIP = RolloutDeed(
    name="skip",
    title="Skip an instance",
    explanation="The rollout leaves one instance as it is. One that has failed no longer counts against the gate.",
    do=_skip,
    is_possible=_legal("skipped"),
    form=MemberForm,
    icon="skip_next",
)
ABORT = RolloutDeed(
    name="abort",
    title="Abort",
    explanation="It is over, for good. What runs goes on to its end, what is done stays.",
    do=_abort,
    is_possible=_can_be_aborted,
    icon="block",
    destroys=True,
)
ROLL_BACK = RolloutDeed(
    name="rollback",
    title="Roll back",
    explanation="Nobody else begins, and whoever has it gives it back.",
    do=_roll_back,
    is_possible=_can_be_rolled_back,
    form=RollBackForm,
    icon="undo",
    destroys=True,
    tells=_who_goes_back,
)
DEEDS = (START, RESUME, PAUSE, APPROVE, WIDEN, SKIP, ROLL_BACK, ABORT, DISCARD)
