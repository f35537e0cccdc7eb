"""What an admin can do about an instance's architecture: move it to a later one."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from portal.core.admin.deeds import Answers, ReasonForm
from portal.core.audit import Actor
from provisioning.admin.changes import is_left_alone
from provisioning.admin.plans import PlannedDeed, instance_of
from provisioning.fleet.architectures import leads_to
from provisioning.models import Instance, OperationKind, Tenancy
from provisioning.services.architectures import instance_migrate_architecture, migrated


class ArchitectureForm(ReasonForm):
    """Offers what came from the one that the instance has."""

    architecture = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "It cannot be moved to that: only to what came from its own."},
    )
    field_order = ("architecture", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["architecture"]
        later = leads_to(instance_of(self.target).architecture)
        field.choices = [(one, one) for one in later]  # type: ignore[attr-defined] # a ChoiceField
        field.initial = later[-1] if later else None


def _can_be_moved(instance: Instance) -> bool:
    """It is left alone, is in a project of ours, and there is a later architecture."""
    has_way = instance.tenancy == Tenancy.DEDICATED and bool(leads_to(instance.architecture))
    return has_way and is_left_alone(instance)


def _migrate(instance: Instance, answers: Answers, actor: Actor) -> str:
    wanted = answers["architecture"]
    instance_migrate_architecture(instance=instance, architecture=wanted, actor=actor, reason=answers["reason"])
    return f"“{instance.slug}” is being moved to architecture {wanted}."


MIGRATE = PlannedDeed(
    name="migrate",
    title="Migrate architecture",
    explanation="The infrastructure becomes as a later template has it, where it stands: its nodes are replaced, and "
    "the database server restarts. Should a step fail, it goes back.",
    do=_migrate,
    is_possible=_can_be_moved,
    form=ArchitectureForm,
    icon="foundation",
    kind=OperationKind.MIGRATE_ARCHITECTURE,
    choice="architecture",
    wanted=migrated,
)
