"""How an instance goes back: to a version that it has had, or to the databases of before a failed upgrade."""

from datetime import datetime
from typing import Any, cast

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from portal.core.admin.deeds import Answers, ReasonForm
from portal.core.audit import Actor
from portal.core.errors import Invalid
from provisioning.admin.changes import is_left_alone
from provisioning.admin.deeds import SlugReasonForm
from provisioning.admin.plans import PlannedDeed, instance_of
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, Release
from provisioning.models.operations import LIVE
from provisioning.selectors.ways_back import ways_back
from provisioning.services.restoring import instance_restore, instance_rollback, restorable, rolled_back

NO_BACKUP = "The portal keeps no backup of the databases on a cluster that you bring: restore them yourselves first."


class WayBackForm(ReasonForm):
    """Offers the versions that the instance has had and that run on its databases."""

    release = forms.ModelChoiceField(
        Release.objects.all(),
        widget=UnfoldAdminSelectWidget,
        error_messages={
            "invalid_choice": "It cannot go back to that: only to what it has had and runs on its databases."
        },
    )
    field_order = ("release", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = ways_back(instance_of(self.target))
        field = cast("forms.ModelChoiceField[Release]", self.fields["release"])
        field.queryset = Release.objects.filter(pk__in=[release.pk for release in ways])
        field.choices = [("", "Choose a release"), *((release.pk, release.app_version) for release in ways)]


class RestoreForm(SlugReasonForm):
    """Says what is lost."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirmation"].help_text = what_is_lost(self.target)


def what_is_lost(operation: Operation) -> str:
    """In plain words, what restoring from this upgrade's backup costs."""
    taken_at = (restorable(operation) or {}).get("taken_at")
    if not taken_at:
        return NO_BACKUP
    moment = datetime.fromisoformat(str(taken_at))
    return f"Everything that was written since the backup at {moment:%Y-%m-%d %H:%M} UTC is lost, for everybody."


def _can_go_back(instance: Instance) -> bool:
    return is_left_alone(instance) and bool(ways_back(instance))


def _can_be_restored(operation: Operation) -> bool:
    if operation.instance.status != InstanceStatus.RUNNING or restorable(operation) is None:
        return False
    return not operation.instance.operations.filter(status__in=LIVE).exists()


def _roll_back(instance: Instance, answers: Answers, actor: Actor) -> str:
    release = answers["release"]
    instance_rollback(instance=instance, release=release, actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” goes back to {release.app_version}."


def _restore(operation: Operation, answers: Answers, actor: Actor) -> str:
    slug = operation.instance.slug
    if answers["confirmation"].strip() != slug:
        raise Invalid(f"Type “{slug}” to confirm.", field="confirmation")
    instance_restore(operation=operation, actor=actor, reason=answers["reason"])
    return f"“{slug}” is being restored to what it was before this upgrade."


ROLL_BACK = PlannedDeed(
    name="rollback",
    title="Roll back",
    explanation="The instance gets a version that it has had, on the databases as they are: nothing that people have "
    "written is lost. Should a step fail, it keeps the version it has.",
    do=_roll_back,
    is_possible=_can_go_back,
    form=WayBackForm,
    icon="undo",
    kind=OperationKind.ROLLBACK,
    choice="release",
    wanted=rolled_back,
)
RESTORE = PlannedDeed(
    name="restore",
    title="Restore the backup",
    explanation="The databases go back to the backup that this upgrade has made, and the version of before with them. "
    "The instance is down meanwhile. This cannot be undone.",
    do=_restore,
    is_possible=_can_be_restored,
    form=RestoreForm,
    icon="settings_backup_restore",
    destroys=True,
    kind=OperationKind.RESTORE,
)
