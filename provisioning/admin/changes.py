"""What an admin can do to a running instance: another release, another size, a repair, a check for drift."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from portal.core.admin.deeds import Answers, Deed, DeedForm, ReasonForm
from portal.core.audit import Actor
from provisioning.admin.plans import PlannedDeed, instance_of
from provisioning.models import Instance, InstanceStatus, OperationKind, Release, Size, Survey
from provisioning.models.operations import LIVE
from provisioning.services import (
    drift_check_request,
    instance_repair,
    instance_resize,
    instance_upgrade,
    resized,
    upgraded,
)

Target = Instance | Survey


class ReleaseForm(ReasonForm):
    release = forms.ModelChoiceField(
        Release.objects.all(), empty_label="Choose a release", widget=UnfoldAdminSelectWidget
    )
    field_order = ("release", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Release.objects.exclude(pk=instance_of(self.target).release_id).order_by("-released_at")
        self.fields["release"].queryset = others  # type: ignore[attr-defined] # a ModelChoiceField


class SizeForm(ReasonForm):
    size = forms.ModelChoiceField(Size.objects.all(), empty_label="Choose a size", widget=UnfoldAdminSelectWidget)
    field_order = ("size", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Size.objects.exclude(pk=instance_of(self.target).size_id)
        self.fields["size"].queryset = others  # type: ignore[attr-defined] # a ModelChoiceField


def _is_left_alone(target: Target) -> bool:
    """It runs, and nothing is under way on it."""
    instance = instance_of(target)
    if instance.status != InstanceStatus.RUNNING:
        return False
    return not instance.operations.filter(status__in=LIVE).exists()


def _upgrade(instance: Instance, answers: Answers, actor: Actor) -> str:
    release = answers["release"]
    instance_upgrade(instance=instance, release=release, actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” is being upgraded to {release.app_version}."


def _resize(instance: Instance, answers: Answers, actor: Actor) -> str:
    size = answers["size"]
    instance_resize(instance=instance, size=size, actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” is being resized to {size.name}."


def _repair(target: Target, answers: Answers, actor: Actor) -> str:
    instance = instance_of(target)
    instance_repair(instance=instance, actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” is being repaired."


def _check(target: Target, _answers: Answers, actor: Actor) -> str:
    instance = instance_of(target)
    drift_check_request(instance=instance, actor=actor)
    return f"“{instance.slug}” is being looked at."


UPGRADE = PlannedDeed(
    name="upgrade",
    title="Upgrade",
    explanation="The instance gets another release. Should a step fail, it goes back to the one it has.",
    do=_upgrade,
    is_possible=_is_left_alone,
    form=ReleaseForm,
    icon="upgrade",
    kind=OperationKind.UPGRADE,
    choice="release",
    wanted=upgraded,
)
RESIZE = PlannedDeed(
    name="resize",
    title="Resize",
    explanation="The instance gets another size. Disks grow and never shrink. Should a step fail, it goes back.",
    do=_resize,
    is_possible=_is_left_alone,
    form=SizeForm,
    icon="straighten",
    kind=OperationKind.RESIZE,
    choice="size",
    wanted=resized,
)
REPAIR = PlannedDeed(
    name="repair",
    title="Repair",
    explanation="Everything of the instance becomes as its spec says: what is missing is made, what differs is set.",
    do=_repair,
    is_possible=_is_left_alone,
    icon="build",
    kind=OperationKind.REPAIR,
)
CHECK = Deed(
    name="check",
    title="Check for drift",
    explanation="Each resource is looked at and set against the instance's spec. Nothing is changed.",
    do=_check,
    is_possible=lambda target: instance_of(target).status == InstanceStatus.RUNNING,
    form=DeedForm,
    icon="fact_check",
)
