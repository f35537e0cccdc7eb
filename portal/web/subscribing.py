"""The form by which people subscribe. What can be chosen is what is offered to the instance."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django import forms

from billing.models import Interval, Plan
from billing.selectors.offers import FeatureOffer, PlanOffer
from billing.terms.offers import Wish
from portal.web.forms import ReckonedForm, ServiceForm

UNITS = "units-"


class SeatsForm(ReckonedForm):
    seats = forms.IntegerField(
        min_value=1,
        label="Seats",
        error_messages={"required": "Say how many seats."},
        widget=forms.NumberInput({"inputmode": "numeric"}),
    )


class PlanForm(ReckonedForm):
    plan = forms.ModelChoiceField(
        Plan.objects.none(), empty_label=None, label="Plan", error_messages={"required": "Choose a plan."}
    )

    def __init__(self, plans: Sequence[Plan], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.fields["plan"].queryset = Plan.objects.filter(pk__in=[plan.pk for plan in plans])  # type: ignore[attr-defined] # a ModelChoiceField


class EndForm(ServiceForm):
    reason = forms.CharField(
        label="Why, if you like to tell us",
        max_length=500,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )


def _usual(plan: Plan | None, features: list[str]) -> dict[str, Any]:
    if plan is None:
        return {}
    interval = Interval.MONTH.value
    return {"plan": plan.pk, "interval": interval, "seats": plan.minimum_seats, "features": features}


class SubscribeForm(ServiceForm):
    plan = forms.ChoiceField(widget=forms.RadioSelect, error_messages={"required": "Choose a plan."})
    interval = forms.ChoiceField(label="Paid", choices=Interval.choices, widget=forms.RadioSelect)
    seats = forms.IntegerField(
        min_value=1,
        label="Seats",
        help_text="One for each of your people who will use it.",
        error_messages={"required": "Say how many seats."},
        widget=forms.NumberInput({"inputmode": "numeric"}),
    )
    features = forms.MultipleChoiceField(label="Added to it", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        plans: Sequence[PlanOffer],
        features: Sequence[FeatureOffer],
        data: Mapping[str, Any] | None = None,
        picked: Collection[str] = (),
    ) -> None:
        """`picked` are features that they have taken to in the trial: it begins with those."""
        first = plans[0].plan if plans else None
        usual = _usual(
            first, [offer.feature.pk for offer in features if not offer.refusal and offer.feature.pk in picked]
        )
        super().__init__(data, initial=usual)
        self.plans, self.offers = plans, features
        self.fields["plan"].choices = [(offer.plan.pk, offer.plan.title) for offer in plans]  # type: ignore[attr-defined] # a ChoiceField
        possible = [offer for offer in features if not offer.refusal]
        self.fields["features"].choices = [(offer.feature.pk, offer.feature.title) for offer in possible]  # type: ignore[attr-defined] # a ChoiceField
        for offer in possible:
            if offer.is_counted:
                most = offer.feature.most_units
                label = f"How many {offer.feature.unit_title}s"
                self.fields[f"{UNITS}{offer.feature.pk}"] = forms.IntegerField(
                    min_value=1, max_value=most, required=False, label=label, initial=1
                )

    def plan_choices(self) -> Iterator[tuple[Any, PlanOffer]]:
        """Each radio button with what it stands for."""
        return zip(self["plan"], self.plans, strict=True)

    def feature_choices(self) -> Iterator[tuple[Any, FeatureOffer, Any]]:
        """Each feature with its checkbox, None where it cannot be had, and the field of how many."""
        boxes = {str(box.data["value"]): box for box in self["features"]}
        for offer in self.offers:
            counted = f"{UNITS}{offer.feature.pk}"
            yield boxes.get(offer.feature.pk), offer, self[counted] if counted in self.fields else None

    def wish(self) -> Wish:
        """What has been chosen; the form is valid."""
        return self._wish(self.cleaned_data)

    def wish_so_far(self) -> Wish | None:
        """What is chosen just now, or what the form begins with; None where that is no wish yet."""
        if not self.is_bound:
            return self._wish(self.initial) if self.initial else None
        return self._wish(self.cleaned_data) if self.is_valid() else None

    def _wish(self, chosen: Mapping[str, Any]) -> Wish:
        units = {name.removeprefix(UNITS): value for name, value in chosen.items() if name.startswith(UNITS) and value}
        return Wish(
            plan=chosen["plan"],
            interval=Interval(chosen["interval"]),
            seats=chosen["seats"],
            features=tuple(chosen.get("features", ())),
            units=units,
        )
