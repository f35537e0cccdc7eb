"""What an admin can do to a running instance: another release, another size, a repair, a check for drift."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.db.models import Exists, OuterRef
from unfold.widgets import UnfoldAdminSelectWidget

from portal.core.admin.bulk import BulkDeed
from portal.core.admin.deeds import Answers, Deed, DeedForm, ReasonForm
from portal.core.audit import Actor
from provisioning.admin.plans import PlannedDeed, instance_of
from provisioning.models import (
    BUILT,
    Channel,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    Release,
    Size,
    Survey,
)
from provisioning.models.operations import LIVE
from provisioning.selectors.releases import ways_from
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
    """Offers what the instance can be upgraded to, and says the stops."""

    release = forms.ModelChoiceField(
        Release.objects.all(),
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "It cannot be upgraded to that: only to newer, published releases."},
    )
    field_order = ("release", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = ways_from(instance_of(self.target).release.app_version)
        field = cast("forms.ModelChoiceField[Release]", self.fields["release"])
        field.queryset = Release.objects.filter(pk__in=[legs[-1].pk for legs in ways])
        nothing = "Choose a release" if ways else "There is nothing newer"
        field.choices = [("", nothing), *((legs[-1].pk, _way_in_words(legs)) for legs in ways)]


class SizeForm(ReasonForm):
    size = forms.ModelChoiceField(Size.objects.all(), empty_label="Choose a size", widget=UnfoldAdminSelectWidget)
    field_order = ("size", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Size.objects.exclude(pk=instance_of(self.target).size_id)
        self.fields["size"].queryset = others  # type: ignore[attr-defined] # a ModelChoiceField


def is_left_alone(target: Target) -> bool:
    """It runs, and nothing is under way on it."""
    instance = instance_of(target)
    if instance.status != InstanceStatus.RUNNING:
        return False
    return not instance.operations.filter(status__in=LIVE).exists()


def _way_in_words(legs: Sequence[Release]) -> str:
    """Such as “6.0.0, major, early, by way of 5.12.0 and 5.14.0”."""
    *stops, last = legs
    words = [last.app_version, last.kind, *([] if last.channel == Channel.STABLE else [last.channel])]
    if stops:
        words.append(f"by way of {' and '.join(stop.app_version for stop in stops)}")
    return ", ".join(words)


def _upgrade(instance: Instance, answers: Answers, actor: Actor) -> str:
    release = answers["release"]
    operation = instance_upgrade(instance=instance, release=release, actor=actor, reason=answers["reason"])
    stop = operation.wanted["app_version"]
    first = "" if stop == release.app_version else f", first to {stop}"
    return f"“{instance.slug}” is being upgraded to {release.app_version}{first}."


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
    explanation="The instance gets another release, stop by stop where the way has some. Should a step fail, it goes "
    "back to the one it has.",
    do=_upgrade,
    is_possible=is_left_alone,
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
    is_possible=is_left_alone,
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
    is_possible=is_left_alone,
    icon="build",
    kind=OperationKind.REPAIR,
)
CHECK = Deed(
    name="check",
    title="Check for drift",
    explanation="Each resource is looked at and set against the instance's spec. Nothing is changed.",
    do=_check,
    is_possible=lambda target: instance_of(target).status in BUILT,
    form=DeedForm,
    icon="fact_check",
)
_AT_WORK = Exists(Operation.objects.filter(instance=OuterRef("pk"), status__in=LIVE))
REPAIR_MANY = BulkDeed(REPAIR, lambda rows: rows.filter(status=InstanceStatus.RUNNING).exclude(_AT_WORK))
CHECK_MANY = BulkDeed(CHECK, lambda rows: rows.filter(status__in=BUILT), DeedForm)
