"""“New rollout”: what it brings, by which policy, and in whose place. It makes a draft."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.db import transaction
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from portal.core import clock
from portal.core.admin.deeds import Answers, DeedForm
from portal.core.audit import Actor
from portal.core.errors import ServiceError
from portal.core.models import User
from provisioning.fleet.architectures import ARCHITECTURES
from provisioning.fleet.versions import order
from provisioning.models import Release, Rollout, RolloutPolicy
from provisioning.services.rollouts import rollout_create

A_MOMENT = timedelta(minutes=1)
SUPERSEDABLE = (Rollout.Status.RUNNING, Rollout.Status.PAUSED)
ARCHITECTURE = "architecture "


class NewRolloutForm(DeedForm):
    brings = forms.ChoiceField(
        label="What", widget=UnfoldAdminSelectWidget, help_text="A published release, or an architecture."
    )
    policy = forms.ModelChoiceField(
        RolloutPolicy.objects.all(),
        required=False,
        empty_label="By its kind",
        widget=UnfoldAdminSelectWidget,
    )
    supersedes = forms.ModelChoiceField(
        Rollout.objects.none(),
        required=False,
        empty_label="Nothing: it starts when that has ended",
        widget=UnfoldAdminSelectWidget,
        help_text="One is under way. What takes its place ends it at its start. Everybody keeps their stage, and "
        "whoever has the former gets this one in their turn.",
    )
    is_emergency = forms.BooleanField(
        required=False,
        label="Emergency",
        widget=UnfoldBooleanSwitchWidget,
        help_text="Maintenance windows are ignored, and nobody can put it off. Say why: it is in the audit.",
    )
    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Kept in the audit for good.",
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["brings"].choices = _choices()  # type: ignore[attr-defined] # a ChoiceField
        self.fields["policy"].help_text = f"{_defaults()} Its stages are copied now: editing it later changes nothing."
        self._offer_to_supersede()

    def _offer_to_supersede(self) -> None:
        under_way = Rollout.objects.filter(status__in=SUPERSEDABLE, superseded_by__isnull=True)
        formers = under_way.select_related("release")
        if not formers:
            del self.fields["supersedes"]
            return
        field = cast("forms.ModelChoiceField[Rollout]", self.fields["supersedes"])
        field.queryset = formers
        field.choices = [
            ("", field.empty_label),
            *((one.pk, f"The rollout of {one}, {one.get_status_display().lower()}") for one in formers),
        ]


def rollout_draft(answers: Answers, actor: Actor) -> Rollout:
    """A draft as it was asked for. The second click of the same person leads to the draft of the first."""
    wish = _wish(answers)
    with transaction.atomic():
        if actor.user:
            User.objects.select_for_update(no_key=True).get(pk=actor.user.pk)  # the second click waits for the first
        drafts = Rollout.objects.filter(
            status=Rollout.Status.DRAFT, created_by=actor.user, created_at__gt=clock.now() - A_MOMENT
        )
        same = {name: value for name, value in wish.items() if value or name != "policy"}
        return drafts.filter(**same).first() or rollout_create(**wish, actor=actor)


def field_of(error: ServiceError) -> str | None:
    """The form's field that the service's sentence is about."""
    return "brings" if error.field in {"release", "architecture"} else error.field


def _wish(answers: Answers) -> dict[str, Any]:
    brings = str(answers["brings"])
    is_architecture = brings.startswith(ARCHITECTURE)
    return {
        "release": None if is_architecture else Release.objects.get(app_version=brings),
        "architecture": brings.removeprefix(ARCHITECTURE) if is_architecture else "",
        "policy": answers["policy"],
        "is_emergency": answers["is_emergency"],
        "supersedes": answers.get("supersedes"),
        "reason": answers["reason"],
    }


def _choices() -> list[tuple[str, Any]]:
    """Releases by their version, the newest first."""
    published = Release.objects.filter(status=Release.Status.PUBLISHED).defer("notes")
    releases = sorted(published, key=lambda release: order(release.app_version), reverse=True)
    return [
        ("", "Choose what it brings"),
        ("Releases", [(one.app_version, f"{one}, {one.kind}, {one.channel}") for one in releases]),
        ("Architectures", [(f"{ARCHITECTURE}{number}", f"{ARCHITECTURE}{number}") for number in ARCHITECTURES]),
    ]


def _defaults() -> str:
    """Such as “Major releases for major; Patches for minor and patch.”"""
    kinds = [(policy, " and ".join(policy.suits)) for policy in RolloutPolicy.objects.all() if policy.suits]
    return "; ".join(f"{policy} for {suits}" for policy, suits in kinds) + "." if kinds else ""
