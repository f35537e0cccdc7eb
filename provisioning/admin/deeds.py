"""What an admin can do to operations, and how an instance is torn down. Each calls one service, which audits it."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from portal.core.admin.bulk import BulkDeed
from portal.core.admin.deeds import Answers, Deed, NamedReasonForm, ReasonForm
from portal.core.audit import Actor
from provisioning.admin.attention import HALTED
from provisioning.admin.plans import PlannedDeed, instance_of
from provisioning.fleet.final_backups import KEPT_DAYS, is_offered, is_usual
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, OperationStatus, Step, StepStatus
from provisioning.models.operations import LIVE
from provisioning.services import (
    instance_delete,
    operation_cancel,
    operation_nudge,
    operation_retry,
    operation_skip,
    operation_undo,
)


class SkipForm(ReasonForm):
    step_name = forms.ChoiceField(label="Step", widget=UnfoldAdminSelectWidget)
    field_order = ("step_name", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = self.target.steps.filter(status=StepStatus.FAILED).values_list("name", flat=True)
        field = self.fields["step_name"]
        field.choices = [(name, name) for name in names]  # type: ignore[attr-defined] # a ChoiceField


class SlugReasonForm(NamedReasonForm):
    def name_to_type(self) -> str:
        return instance_of(self.target).slug


class TearDownForm(SlugReasonForm):
    final_backup = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanWidget,
        label="Final backup",
        help_text=f"Its databases are exported first, and kept for {KEPT_DAYS} days elsewhere. Git data is not.",
    )
    field_order = ("confirmation", "final_backup", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        instance = instance_of(self.target)
        self.fields["final_backup"].initial = is_usual(instance)
        if not is_offered(instance):
            del self.fields["final_backup"]


def _is_halted(operation: Operation) -> bool:
    return operation.status in HALTED and operation.instance.status != InstanceStatus.DELETED


def _has_failed_step(operation: Operation) -> bool:
    return _is_halted(operation) and any(step.status == StepStatus.FAILED for step in operation.steps.all())


def _can_be_undone(operation: Operation) -> bool:
    is_teardown = operation.kind == OperationKind.TEARDOWN  # what is torn down does not come back
    return _is_halted(operation) and operation.status == OperationStatus.FAILED and not is_teardown


def _can_be_cancelled(operation: Operation) -> bool:
    stoppable = operation.status in {OperationStatus.QUEUED, OperationStatus.RUNNING}
    return stoppable and operation.cancel_requested_at is None


def can_be_torn_down(instance: Instance) -> bool:
    """It is not gone, and nothing is under way to that end."""
    if instance.status == InstanceStatus.DELETED:
        return False
    teardowns = [operation for operation in instance.operations.all() if operation.kind == OperationKind.TEARDOWN]
    return not any(operation.status in (*LIVE, *HALTED) for operation in teardowns)


def _retry(operation: Operation, answers: Answers, actor: Actor) -> str:
    operation_retry(operation=operation, actor=actor, reason=answers["reason"])
    return "What had failed is tried again."


def _skip(operation: Operation, answers: Answers, actor: Actor) -> str:
    operation_skip(operation=operation, step_name=answers["step_name"], actor=actor, reason=answers["reason"])
    return f"“{answers['step_name']}” counts as done; the rest goes on."


def _undo(operation: Operation, answers: Answers, actor: Actor) -> str:
    operation_undo(operation=operation, actor=actor, reason=answers["reason"])
    return "What the operation did is being taken back."


def _cancel(operation: Operation, answers: Answers, actor: Actor) -> str:
    operation_cancel(operation=operation, actor=actor, reason=answers["reason"])
    return "It stops at the next step border."


def _nudge(operation: Operation, answers: Answers, actor: Actor) -> str:
    operation_nudge(operation=operation, actor=actor, reason=answers["reason"])
    return "It was looked at again, and whatever waits is due now."


def _tear_down(target: Instance | Operation, answers: Answers, actor: Actor) -> str:
    instance = instance_of(target)
    instance_delete(
        instance=instance,
        confirmation=answers["confirmation"],
        actor=actor,
        reason=answers["reason"],
        final_backup=answers.get("final_backup", False),
    )
    return f"“{instance.slug}” is being torn down."


RETRY = Deed(
    name="retry",
    title="Retry",
    explanation="What failed is tried again with a fresh deadline. What was done stays done.",
    do=_retry,
    is_possible=_has_failed_step,
    icon="refresh",
    is_usual=True,
)
_FAILED_STEP = Exists(Step.objects.filter(operation=OuterRef("pk"), status=StepStatus.FAILED))
RETRY_MANY = BulkDeed(
    RETRY,
    lambda rows: rows.filter(_FAILED_STEP, status__in=HALTED).exclude(instance__status=InstanceStatus.DELETED),
)
SKIP = Deed(
    name="skip",
    title="Skip step",
    explanation="On your word that it is as it should be, the failed step counts as done and the rest goes on.",
    do=_skip,
    is_possible=_has_failed_step,
    form=SkipForm,
    icon="skip_next",
)
UNDO = Deed(
    name="undo",
    title="Undo",
    explanation="What the operation did is taken back in reverse order. The instance ends as it was before.",
    do=_undo,
    is_possible=_can_be_undone,
    icon="undo",
)
CANCEL = Deed(
    name="cancel",
    title="Cancel",
    explanation="It stops at the next step border. What is under way outside is not interrupted.",
    do=_cancel,
    is_possible=_can_be_cancelled,
    icon="block",
)
NUDGE = Deed(
    name="nudge",
    title="Nudge",
    explanation="What waits is looked at now rather than later. Harmless: nothing is skipped, and nothing done twice.",
    do=_nudge,
    is_possible=lambda operation: operation.is_live,
    icon="notifications_active",
)
TEAR_DOWN = PlannedDeed(
    name="teardown",
    title="Tear down",
    explanation="The instance is deleted with all of its data, and all backups but a final one. This cannot be undone.",
    do=_tear_down,
    is_possible=can_be_torn_down,
    form=TearDownForm,
    icon="delete_forever",
    destroys=True,
    kind=OperationKind.TEARDOWN,
)
TEAR_DOWN_INSTANCE = PlannedDeed(
    name=TEAR_DOWN.name,
    title="Tear down the instance",
    explanation=TEAR_DOWN.explanation,
    do=_tear_down,
    is_possible=lambda operation: can_be_torn_down(operation.instance),
    form=TearDownForm,
    icon=TEAR_DOWN.icon,
    destroys=True,
    kind=OperationKind.TEARDOWN,
)
