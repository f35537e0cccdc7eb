"""What is asked before something is done to a rollout, and whom it is about."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from portal.core.admin.deeds import DeedForm, NamedReasonForm, ReasonForm
from provisioning.models import Rehearsal, Rollout, RolloutMember, RolloutStage
from provisioning.services.rollouts.deeds import SHARES
from provisioning.services.rollouts.members import SKIPPABLE
from provisioning.services.rollouts.stages import was_overruled

Member, Stage = RolloutMember.Status, RolloutStage.Status
MANY = 10  # whoever takes more instances back than these types the name


class StartForm(DeedForm):
    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Kept in the audit for good. Empty: the draft's.",
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


class StageForm(ReasonForm):
    """Names the stage as the page showed it: a second click finds that it is done."""

    stage = forms.ModelChoiceField(RolloutStage.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget)
    field_order = ("stage", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stages = self.offered(self.target)
        field = self.fields["stage"]
        field.queryset = self.target.stages.all()  # type: ignore[attr-defined] # a ModelChoiceField
        field.choices = [(stage.pk, f"{stage.position}. {stage}") for stage in stages]  # type: ignore[attr-defined] # one, too

    def offered(self, rollout: Rollout) -> Sequence[RolloutStage]:
        return unapproved(rollout)


class NextStageForm(StageForm):
    def offered(self, rollout: Rollout) -> Sequence[RolloutStage]:
        following = wider_stage(rollout)
        return [following] if following else []


class MemberForm(ReasonForm):
    member = forms.ModelChoiceField(
        RolloutMember.objects.none(), empty_label="Choose one", label="Instance", widget=UnfoldAdminSelectWidget
    )
    field_order = ("member", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = list(skippable(self.target).select_related("instance").order_by("instance__slug"))
        field = self.fields["member"]
        field.queryset = self.target.members.all()  # type: ignore[attr-defined] # a ModelChoiceField
        field.choices = [  # type: ignore[attr-defined] # one, too
            ("", "Choose one" if members else "There is nobody to leave out"),
            *((member.pk, f"{member.instance.slug}, {member.get_status_display().lower()}") for member in members),
        ]


class RollBackForm(NamedReasonForm):
    """Asks for the name only where many go back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if going_back(self.target) <= MANY:
            del self.fields["confirmation"]

    def clean_confirmation(self) -> str:
        typed = str(self.cleaned_data["confirmation"]).strip()
        if typed != self.name_to_type():
            raise forms.ValidationError(f"Type “{self.name_to_type()}” to confirm.")
        return typed


def unapproved(rollout: Rollout) -> list[RolloutStage]:
    """The stages that a person may approve now: asked for, or after a rehearsal has failed."""
    ahead = [stage for stage in rollout.stages.all() if stage.status in {Stage.PLANNED, Stage.HELD}]
    has_failed = any(one.status == Rehearsal.Status.FAILED for one in rollout.rehearsals.all())
    return [
        stage
        for stage in ahead
        if (stage.needs_approval and stage.approved_at is None)
        or (stage.needs_rehearsal and has_failed and not was_overruled(rollout, stage))
    ]


def wider_stage(rollout: Rollout) -> RolloutStage | None:
    """The stage that the present one would take in: the next that has other shares."""
    stages = list(rollout.stages.all())
    current = next(stage for stage in stages if stage.position == rollout.stage_position)
    own = [getattr(current, share) for share in SHARES]
    ahead = (stage for stage in stages if stage.position > current.position)
    return next((stage for stage in ahead if [getattr(stage, share) for share in SHARES] != own), None)


def skippable(rollout: Rollout) -> QuerySet[RolloutMember]:
    """Whom it could leave as they are; while it is taken back, those that have it, too."""
    is_going_back = rollout.status == Rollout.Status.ROLLING_BACK
    return rollout.members.filter(status__in=SKIPPABLE | ({Member.DONE} if is_going_back else set()))


def going_back(rollout: Rollout) -> int:
    """How many have it, or are about to."""
    has_it = Q(status=Member.DONE, instance__release=rollout.release_id)
    return rollout.members.filter(has_it | Q(status=Member.RUNNING)).count()
