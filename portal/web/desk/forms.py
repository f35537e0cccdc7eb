"""What the desk asks before an act. What is offered is what can be had."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from billing.models import Charge, Feature, Interval, Plan, Status
from billing.models.sales import MOST_PERCENT
from billing.terms.offers import Wish
from portal.web.forms import ServiceForm
from provisioning.models import Instance

NUMBER = forms.NumberInput({"inputmode": "numeric"})
LAST = ("percent_off", "months_off", "reason")
FOR_THE_AUDIT = "For the audit, and for whoever looks at this next."


class ActForm(ServiceForm):
    """Every act wants a reason. `target` is what it is about."""

    reason = forms.CharField(
        label="Why",
        max_length=500,
        help_text=FOR_THE_AUDIT,
        error_messages={"required": "Say why."},
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, target: Any, data: Any = None) -> None:
        super().__init__(data)
        self.target = target
        self.order_fields([*(name for name in self.fields if name not in LAST), *LAST])


class ExtendForm(ActForm):
    days = forms.IntegerField(min_value=1, max_value=365, initial=14, label="Days more", widget=NUMBER)


class GrantForm(ActForm):
    feature = forms.ModelChoiceField(Feature.objects.filter(status=Status.OFFERED), empty_label=None)
    units = forms.IntegerField(min_value=1, max_value=1_000, initial=1, label="How many, where it is counted")
    until = forms.DateField(
        required=False,
        label="Until the end of",
        help_text="Empty: without an end.",
        widget=forms.DateInput({"type": "date"}),
    )

    def clean_until(self) -> datetime | None:
        day = self.cleaned_data["until"]
        return datetime.combine(day, time(23, 59, 59), UTC) if day else None


class DiscountMixin(forms.Form):
    percent_off = forms.IntegerField(min_value=0, max_value=MOST_PERCENT, initial=0, label="Percent off")
    months_off = forms.IntegerField(
        min_value=1, max_value=60, required=False, label="For so many months", help_text="Empty: for good."
    )


class SellForm(ActForm, DiscountMixin):
    feature = forms.ModelChoiceField(Feature.objects.filter(status=Status.OFFERED), empty_label=None)
    units = forms.IntegerField(min_value=1, max_value=1_000, initial=1, label="How many, where it is counted")

    def wish(self) -> dict[str, Any]:
        return {"feature": self.cleaned_data["feature"].pk, "units": self.cleaned_data["units"]}


class InvoiceForm(ActForm, DiscountMixin):
    """A subscription that is paid by invoice. Begins with the features that they have taken to."""

    plan = forms.ModelChoiceField(Plan.objects.none(), empty_label=None)
    interval = forms.ChoiceField(label="Paid", choices=Interval.choices, initial=Interval.YEAR)
    seats = forms.IntegerField(min_value=1, label="Seats", widget=NUMBER)
    features = forms.ModelMultipleChoiceField(
        Feature.objects.filter(status=Status.OFFERED).exclude(charge=Charge.UNIT),
        required=False,
        label="Added to it",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, target: Instance, data: Any = None) -> None:
        super().__init__(target, data)
        plans = Plan.objects.filter(status=Status.OFFERED, sizes=target.size_id)
        self.fields["plan"].queryset = plans  # type: ignore[attr-defined] # a ModelChoiceField
        self.fields["seats"].initial = min((plan.minimum_seats for plan in plans), default=1)
        self.fields["features"].initial = list(target.opt_ins.values_list("feature", flat=True))

    def wish(self) -> Wish:
        chosen = self.cleaned_data
        features = sorted(feature.pk for feature in chosen["features"])
        return Wish(chosen["plan"].pk, Interval(chosen["interval"]), chosen["seats"], features)
