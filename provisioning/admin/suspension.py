"""An admin switches an instance off, with its data kept, and on again."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from portal.core.admin.deeds import Answers
from portal.core.audit import Actor
from provisioning.admin.changes import is_left_alone
from provisioning.admin.deeds import SlugReasonForm
from provisioning.admin.plans import PlannedDeed
from provisioning.models import Instance, InstanceStatus, OperationKind, SuspensionNotice, Tenancy
from provisioning.models.operations import LIVE
from provisioning.services import instance_resume, instance_suspend, resumed, suspended


class SuspendForm(SlugReasonForm):
    """Nobody can work with it afterwards: its name is to be typed."""

    notice = forms.ChoiceField(
        label="Because",
        choices=[("", "Choose what its people are told"), *SuspensionNotice.choices],
        widget=UnfoldAdminSelectWidget,
        help_text="On its page, and at its address, where strangers can read it.",
    )
    field_order = ("notice", "confirmation", "reason")

    def clean_confirmation(self) -> str:
        typed = str(self.cleaned_data["confirmation"]).strip()
        if typed != self.name_to_type():
            raise forms.ValidationError(f"Type “{self.name_to_type()}” to confirm.")
        return typed


def _can_be_suspended(instance: Instance) -> bool:
    return instance.tenancy == Tenancy.DEDICATED and is_left_alone(instance)


def _can_be_resumed(instance: Instance) -> bool:
    is_suspended = instance.status == InstanceStatus.SUSPENDED
    return is_suspended and not instance.operations.filter(status__in=LIVE).exists()


def _suspend(instance: Instance, answers: Answers, actor: Actor) -> str:
    instance_suspend(instance=instance, notice=answers["notice"], actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” is being suspended."


def _resume(instance: Instance, answers: Answers, actor: Actor) -> str:
    instance_resume(instance=instance, actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” is coming back."


SUSPEND = PlannedDeed(
    name="suspend",
    title="Suspend",
    explanation="The instance is switched off: no nodes, no database server, nobody is woken. Its data is kept, and "
    "its address says why. Should a step fail, it goes back.",
    do=_suspend,
    is_possible=_can_be_suspended,
    form=SuspendForm,
    icon="pause_circle",
    kind=OperationKind.SUSPEND,
    wanted=lambda instance, _choice: suspended(instance),
)
RESUME = PlannedDeed(
    name="resume",
    title="Resume",
    explanation="The instance runs again, as it was. Should a step fail, what has come up stays, to be tried again.",
    do=_resume,
    is_possible=_can_be_resumed,
    icon="play_circle",
    is_usual=True,
    kind=OperationKind.RESUME,
    wanted=lambda instance, _choice: resumed(instance),
)
