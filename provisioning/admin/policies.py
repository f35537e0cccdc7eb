"""Rollout policies: admins edit them with all their stages on one page. Rollouts that are made already keep theirs."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from portal.core.admin.pages import StaffMayLook, acting
from portal.core.audit import record
from provisioning.admin.catalogue import AuditedPage
from provisioning.fleet.policies import why_unsound
from provisioning.models import PolicyStage, Release, RolloutPolicy
from provisioning.models.rollouts import StageTerms

KINDS: Final = [*Release.Kind.choices, ("architecture", "Architecture")]
TERMS: Final = tuple(field.name for field in StageTerms._meta.fields if field.name != "position")  # noqa: SLF001 - Django's documented model API
LABELS: Final = {
    "internal_percent": "Internal, percent",
    "trial_percent": "Trials, percent",
    "customer_percent": "Customers, percent",
    "soak_hours": "Rest afterwards, hours",
    "soak_skips_weekends": "Only hours of working days count",
    "most_failed_percent": "Failed at most, percent",
    "least_healthy_percent": "Answering at least, percent",
    "most_burn": "Error budget burnt, times at most",
    "needs_approval": "Begins only when approved",
    "needs_rehearsal": "Begins only when rehearsed",
}


class StageForm(forms.ModelForm):  # type: ignore[type-arg] # generic for the type checker only
    """Its place among the stages is no column here: they are numbered anew when they are saved."""

    place = forms.IntegerField(
        min_value=1, required=False, widget=UnfoldAdminIntegerFieldWidget, help_text="Empty: the last."
    )

    class Meta:
        model = PolicyStage
        fields = TERMS
        labels = LABELS
        help_texts = dict.fromkeys(LABELS, "")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].initial = self.instance.position


class StageFormSet(BaseInlineFormSet):  # type: ignore[type-arg] # generic for the type checker only
    new_objects: list[Any] = []
    changed_objects: list[Any] = []
    deleted_objects: list[Any] = []

    def clean(self) -> None:
        super().clean()
        if not any(self.errors) and (why := why_unsound(self.stages())):
            raise forms.ValidationError(why)

    def stages(self) -> list[PolicyStage]:
        """As they were typed, in their order and numbered from 1."""
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        kept = [form for form in kept if not form.cleaned_data.get("DELETE")]
        ordered = sorted(kept, key=lambda form: form.cleaned_data.get("place") or len(self.forms) + 1)
        return [
            PolicyStage(position=position, **{term: form.cleaned_data[term] for term in TERMS})
            for position, form in enumerate(ordered, start=1)
        ]

    def save(self, commit: bool = True) -> list[PolicyStage]:  # noqa: FBT001, FBT002 - Django's signature
        """They are written anew: nothing refers to them, and no two are ever at the same position."""
        stages = self.stages()
        for stage in stages:
            stage.policy = self.instance
        if commit:
            PolicyStage.objects.filter(policy=self.instance).delete()
            PolicyStage.objects.bulk_create(stages)
        return stages


class Stages(StaffMayLook, StackedInline):  # type: ignore[misc] # unfold has no types
    model = PolicyStage
    form = StageForm
    formset = StageFormSet
    extra = 0
    fields = (
        ("name", "place"),
        ("internal_percent", "trial_percent", "customer_percent"),
        ("most_failed_percent", "least_healthy_percent", "most_burn"),
        ("needs_approval", "needs_rehearsal"),
        ("soak_hours", "soak_skips_weekends"),
    )
    verbose_name = "stage"
    verbose_name_plural = "stages, in their order"

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return self.has_view_permission(request, row)

    has_change_permission = has_delete_permission = has_add_permission


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg] # generic for the type checker only
    suits = forms.MultipleChoiceField(
        choices=KINDS,
        required=False,
        label="Is the default for",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What follows it unless somebody chooses otherwise.",
    )

    class Meta:
        model = RolloutPolicy
        fields = ("title", "name", "suits", "most_at_once", "longest_postponement_days", "rehearsals")
        labels = {
            "most_at_once": "At once, at most",
            "longest_postponement_days": "Longest postponement, days",
            "rehearsals": "Rehearsals",
        }

    def clean_suits(self) -> list[str]:
        """Two defaults would be none."""
        suits: list[str] = self.cleaned_data["suits"]
        for other in RolloutPolicy.objects.exclude(pk=self.instance.pk):
            if both := sorted(set(suits) & set(other.suits)):
                raise forms.ValidationError(f"“{other}” is the default for {both[0]}. Take it away there first.")
        return suits


@admin.register(RolloutPolicy)
class PolicyPage(AuditedPage):
    list_display = ("title", "default_for", "way", "at_once", "rollouts_so_far")
    list_display_links = ("title",)
    form = PolicyForm
    fields = (("title", "name"), "suits", ("most_at_once", "longest_postponement_days", "rehearsals"))
    inlines = (Stages,)
    compressed_fields = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RolloutPolicy]:
        rows: QuerySet[RolloutPolicy] = super().get_queryset(request)
        return rows.prefetch_related("stages").annotate(rollout_count=Count("rollouts"))

    def get_readonly_fields(self, _request: HttpRequest, row: Any = None) -> tuple[str, ...]:
        return ("name",) if row else ()  # it is the key that rollouts refer to

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        context = {"title": "Rollout policies", **(extra_context or {})}
        answer: HttpResponseBase = super().changelist_view(request, context)
        return answer

    def save_model(self, _request: HttpRequest, row: Any, _form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        row.save()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """One audit event for the policy and its stages; Django has begun the transaction."""
        super().save_related(request, form, formsets, change)
        details: dict[str, Any] = {field: str(form.cleaned_data[field]) for field in form.changed_data}
        if any(formset.has_changed() for formset in formsets):
            details["stages"] = list(_told(form.instance))
        record(f"rolloutpolicy.{'change' if change else 'add'}", form.instance, actor=acting(request), details=details)

    @admin.display(description="Default for")
    def default_for(self, policy: RolloutPolicy) -> str:
        return ", ".join(policy.suits) or "nothing"

    @admin.display(description="Stages")
    def way(self, policy: RolloutPolicy) -> str:
        return " \N{RIGHTWARDS ARROW} ".join(stage.name for stage in policy.stages.all()) or "none"

    @admin.display(description="At once", ordering="most_at_once")
    def at_once(self, policy: RolloutPolicy) -> str:
        return f"{policy.most_at_once} at most"

    @admin.display(description="Rollouts", ordering="rollout_count")
    def rollouts_so_far(self, policy: Any) -> SafeString | str:
        return str(policy.rollout_count)


def _told(policy: RolloutPolicy) -> Iterable[dict[str, Any]]:
    for stage in PolicyStage.objects.filter(policy=policy):
        yield {"position": stage.position, **{term: getattr(stage, term) for term in TERMS}}
