"""What pages take from people. Forms hold no rules: services do, and their sentences come back to the right field."""

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import HttpRequest, QueryDict

from portal.core.auditing import Period
from portal.core.errors import Invalid, ServiceError
from portal.core.models import Scope, StaffScope, User
from portal.core.services import check_work_address
from portal.web.once import new_key
from provisioning.fleet.final_backups import KEPT_DAYS, is_offered, is_usual
from provisioning.models import Instance, Region


class ServiceForm(forms.Form):
    """A form whose service may refuse."""

    def refuse(self, error: ServiceError) -> None:
        """The refusal stands at its field, or above the form when it is about none of them."""
        self.add_error(error.field if error.field in self.fields else None, str(error))


class ReckonedForm(ServiceForm):
    """What was shown is what is agreed to. `key` is the same for a second post of the same page; `reckoned_at` is the
    second (UNIX time) as of which the sum was reckoned.
    """

    key = forms.CharField(max_length=40, widget=forms.HiddenInput, initial=new_key, required=False)
    reckoned_at = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)


class SignupForm(forms.Form):
    """What signing up asks beside address and password."""

    name = forms.CharField(
        label="Your name", max_length=120, widget=forms.TextInput({"autocomplete": "name", "autofocus": True})
    )
    field_order = ("name", "email", "password1")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if settings.WORK_EMAIL_REQUIRED and "email" in cleaned:
            try:
                check_work_address(cleaned["email"])
            except Invalid as error:
                self.add_error("email", str(error))
        return cleaned

    def signup(self, request: HttpRequest, user: User) -> None:  # noqa: ARG002 - allauth's signature
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class ProfileForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput({"autocomplete": "name"}))


class CloseForm(ServiceForm):
    confirmation = forms.CharField(
        max_length=254,
        error_messages={"required": "Type your mail address to confirm."},
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )


class OrganizationForm(ServiceForm):
    name = forms.CharField(
        label="Organization name",
        max_length=80,
        help_text="Your company or team, as your colleagues know it.",
        widget=forms.TextInput({"autocomplete": "organization", "autofocus": True}),
    )


class InstanceForm(ServiceForm):
    region = forms.ChoiceField(
        label="Region",
        choices=Region.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose where it is to run."},
    )
    slug = forms.CharField(
        label="Name",
        max_length=63,
        error_messages={"required": "Give it a name."},
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).strip().lower()


class AnswerForm(forms.Form):
    """What somebody may say when they agree to an access, refuse or end it."""

    reason = forms.CharField(
        label="Say why, if you like", required=False, max_length=500, widget=forms.TextInput({"autocomplete": "off"})
    )


class DeleteForm(ServiceForm):
    confirmation = forms.CharField(
        max_length=63,
        error_messages={"required": "Type its name to confirm."},
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    final_backup = forms.BooleanField(
        required=False,
        label=f"Keep a last backup of its databases for {KEPT_DAYS} days",
        help_text="Until then we can bring its people and settings back, if you ask us to. Repositories come anew from "
        "your code hosts.",
    )

    def __init__(self, *args: Any, instance: Instance, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["final_backup"].initial = is_usual(instance)
        if not is_offered(instance):
            del self.fields["final_backup"]


SCOPE_LABELS: dict[Scope | StaffScope, str] = {
    Scope.ORGANIZATIONS_READ: "Read the organization and its members",
    Scope.INSTANCES_READ: "Read instances and their operations",
    Scope.INSTANCES_WRITE: "Start, change and delete instances",
}
STAFF_SCOPE_LABELS: dict[Scope | StaffScope, str] = {StaffScope.RELEASES_WRITE: "Import releases, for all customers"}


def _choices(labels: Mapping[Scope | StaffScope, str]) -> list[tuple[str, str]]:
    return [(scope.value, label) for scope, label in labels.items()]


class TokenForm(ServiceForm):
    name = forms.CharField(
        label="Name",
        max_length=60,
        error_messages={"required": "Give the token a name."},
        help_text="What will use it, for example “nightly report”.",
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=_choices(SCOPE_LABELS),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    key = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_for_staff: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = new_key()
        if is_for_staff:
            scopes = cast("forms.MultipleChoiceField", self.fields["scopes"])
            scopes.choices = _choices({**SCOPE_LABELS, **STAFF_SCOPE_LABELS})

    def renew_key(self) -> None:
        """The form may be posted once more: its last post made nothing."""
        renewed = QueryDict(mutable=True)
        renewed.update(self.data)
        renewed["key"] = new_key()
        self.data = renewed


class AuditForm(forms.Form):
    """What is looked for in the audit; all of it may be left out."""

    text = forms.CharField(
        label="Who, what or which",
        max_length=100,
        required=False,
        widget=forms.TextInput({"type": "search", "placeholder": "alice@, instance.create, src-…"}),
    )
    first = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}))
    last = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}))

    def wish(self) -> dict[str, Any]:
        """As `events_for` takes it. What cannot be understood counts as left out."""
        said = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        return {"text": said.get("text", ""), "period": Period(said.get("first"), said.get("last"))}
