"""An instance whose region is lost comes up in its other one, and has its standby again when the region is back."""

from typing import Any

from portal.core import clock
from portal.core.admin.deeds import Answers
from portal.core.admin.words import duration
from portal.core.audit import Actor
from provisioning.admin.changes import is_left_alone
from provisioning.admin.deeds import SlugReasonForm
from provisioning.admin.plans import PlannedDeed
from provisioning.fleet.features import STANDBY
from provisioning.models import Health, Instance, OperationKind
from provisioning.services.takeovers import (
    instance_set_up_standby,
    instance_take_over,
    taken_over,
    with_standby_again,
)
from provisioning.spec import spec_of

LAST_COPIES = "Of the databases that are left there, nothing is kept: what was never copied goes with them."


class TakeOverForm(SlugReasonForm):
    """Says what is lost."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirmation"].help_text = what_is_lost(self.target)


class SetUpForm(SlugReasonForm):
    """Says what goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirmation"].help_text = LAST_COPIES


def what_is_lost(instance: Instance) -> str:
    """How old the copies were when they were seen last, in plain words."""
    row = Health.objects.filter(pk=instance.pk).first()
    if row is None or row.standby_seen_at is None or row.standby_lag_seconds is None:
        return "How old the copies are has never been seen: what was written lately may be lost, for everybody."
    seen = duration((clock.now() - row.standby_seen_at).total_seconds())
    volumes = f"{row.volumes_copied_at:%Y-%m-%d %H:%M} UTC" if row.volumes_copied_at else "never"
    return (
        f"The databases were {duration(row.standby_lag_seconds)} behind when they were seen last, {seen} ago; the "
        f"volumes were last backed up there {volumes}. What was written since is lost, for everybody."
    )


def _can_take_over(instance: Instance) -> bool:
    return has_standby(instance) and is_left_alone(instance)


def has_standby(instance: Instance) -> bool:
    """Whether there is something that could take over."""
    return not instance.lost_region and spec_of(instance).has_part(STANDBY)


def _can_be_set_up(instance: Instance) -> bool:
    return bool(instance.lost_region) and is_left_alone(instance)


def _take_over(instance: Instance, answers: Answers, actor: Actor) -> str:
    wish = {"confirmation": answers["confirmation"], "reason": answers["reason"]}
    instance_take_over(instance=instance, actor=actor, **wish)
    return f"The standby of “{instance.slug}” is taking over. Its people are told."


def _set_up(instance: Instance, answers: Answers, actor: Actor) -> str:
    wish = {"confirmation": answers["confirmation"], "reason": answers["reason"]}
    instance_set_up_standby(instance=instance, actor=actor, **wish)
    return f"“{instance.slug}” gets its standby again."


TAKE_OVER = PlannedDeed(
    name="takeover",
    title="Take over",
    explanation="Its region is lost: the instance comes up in the other one, from the copies there, under its name. "
    "This cannot be undone. Should a step fail, what has come up stays, to be tried again.",
    do=_take_over,
    is_possible=_can_take_over,
    form=TakeOverForm,
    icon="move_up",
    destroys=True,
    kind=OperationKind.TAKEOVER,
    wanted=lambda instance, _choice: taken_over(instance),
)
SET_UP_STANDBY = PlannedDeed(
    name="standby",
    title="Set up the standby again",
    explanation="The region that was lost is back: what is left of the instance there is removed, its databases "
    "included, and its standby is made anew.",
    do=_set_up,
    is_possible=_can_be_set_up,
    form=SetUpForm,
    icon="content_copy",
    destroys=True,
    kind=OperationKind.APPLY_FEATURES,
    wanted=lambda instance, _choice: with_standby_again(instance),
)
