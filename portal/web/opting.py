"""What a person can do about a feature of an instance, and what comes of it, before they agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django import forms

from billing.models import Feature
from billing.selectors.entitlements import Held, Stands
from billing.services.adding import Addition
from billing.terms.entitlements import Entitlement, Source
from billing.terms.money import money
from portal.web.details import asked_for
from portal.web.forms import ReckonedForm
from provisioning.fleet.details import CUSTOM_NAME


class Deed(StrEnum):
    OPT_IN = "switch on"
    TELL = "tell us"
    CHANGE = "change details"
    ADD = "add"
    OPT_OUT = "switch off"
    STOP = "stop at renewal"
    KEEP = "keep"


# With these the customer tells what the feature asks for.
TELLING = {Deed.OPT_IN, Deed.TELL, Deed.CHANGE}
BUTTONS = {
    Deed.OPT_IN: "Switch it on",
    Deed.TELL: "Switch it on",
    Deed.CHANGE: "Change it",
    Deed.ADD: "Add it and switch it on",
    Deed.OPT_OUT: "Switch it off",
    Deed.STOP: "Stop it at renewal",
    Deed.KEEP: "Keep it",
}


AT_ONCE = {
    Deed.CHANGE: "Within minutes it takes the place of what you have told us before. Nothing else is charged.",
    Deed.OPT_OUT: "It is switched off within minutes. What it has made stays where it is, and is there again with it.",
}
# A name is led to the instance, and away from it, by somebody else.
OF_NAMES = {
    Deed.TELL: "It is switched on once your DNS leads the name to the instance. The name of now works on beside it. "
    "From your record to its certificate it may take an hour, in which browsers warn at the new name.",
    Deed.CHANGE: "Once your DNS leads the other name here, it takes the place of this one, within an hour in which "
    "browsers warn at it. Nothing else is charged.",
    Deed.OPT_OUT: "It is switched off within minutes, and links lead to the instance's own name. Remove your record "
    "after that.",
}


@dataclass(frozen=True)
class Choice:
    """A feature on its page: how it stands, what can be done, and every consequence of that as a sentence."""

    held: Held
    deed: Deed | None
    consequences: tuple[str, ...]

    @property
    def button(self) -> str:
        return BUTTONS[self.deed] if self.deed else ""

    @property
    def is_dangerous(self) -> bool:
        return self.deed in {Deed.OPT_OUT, Deed.STOP}


class FeatureForm(ReckonedForm):
    """`deed` is what the person has agreed to."""

    deed = forms.CharField(widget=forms.HiddenInput)
    units = forms.IntegerField(min_value=1, max_value=1_000, required=False, widget=forms.HiddenInput)


class UnitsForm(forms.Form):
    """How many of what is counted; asked for before the consequences are shown."""

    units = forms.IntegerField(min_value=1, initial=1, widget=forms.NumberInput({"inputmode": "numeric"}))

    def __init__(self, feature: Feature, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type] # a QueryDict, or None
        self.fields["units"].label = f"How many {feature.unit_title}s"
        self.fields["units"].max_value = feature.most_units  # type: ignore[attr-defined] # an IntegerField


def deed_for(held: Held, *, is_subscribed: bool) -> Deed | None:
    """The first thing to be done about it; None when there is nothing but waiting, or talking to us."""
    return next(iter(deeds_for(held, is_subscribed=is_subscribed)), None)


def deeds_for(held: Held, *, is_subscribed: bool) -> tuple[Deed, ...]:
    """All that can be done about it, what is most likely wanted first."""
    if held.opt_in:
        first = {Stands.UNTOLD: Deed.TELL, Stands.WAITING: Deed.CHANGE}.get(held.stands)
        return (first, _ending(held)) if first else _of_wanted(held)
    if held.entitlement and not held.offer.refusal:
        return (Deed.OPT_IN,)
    return (Deed.ADD,) if held.stands is Stands.FOR_SALE and is_subscribed else ()


def _of_wanted(held: Held) -> tuple[Deed, ...]:
    can_be_changed = held.asks and held.stands in {Stands.ON, Stands.CHANGING}
    return (_ending(held), Deed.CHANGE) if can_be_changed else (_ending(held),)


def _ending(held: Held) -> Deed:
    """How what is wanted ends; what has been stopped can be kept."""
    if held.is_add_on:
        return Deed.KEEP if held.entitlement and held.entitlement.ends_alone else Deed.STOP
    return Deed.OPT_OUT


def consequences(held: Held, deed: Deed | None, addition: Addition | None, renews_at: datetime | None) -> Iterator[str]:
    """What comes of it: money first, then what happens on the instance, then whether it restarts."""
    feature = held.feature
    if deed in {Deed.OPT_IN, Deed.TELL} and held.entitlement:
        yield _on_what_grounds(held.entitlement, held)
        yield from [OF_NAMES[Deed.TELL]] if CUSTOM_NAME in held.asks else ()
    elif deed is Deed.ADD and addition:
        line = addition.line
        yield f"{line.reckoned}, paid {addition.often}: {line.shown} each time, before taxes."
        due = money(addition.preview.due_now, line.currency)
        how = "An invoice over {} is sent" if addition.is_by_invoice else "{} is due now"
        yield f"{how.format(due)}, for the rest of this period."
        if held.asks:
            yield f"Then you tell us {asked_for(held.asks)}, and it is switched on."
    elif deed in {Deed.CHANGE, Deed.OPT_OUT}:
        yield (OF_NAMES if CUSTOM_NAME in held.asks else AT_ONCE)[deed]
    elif deed is Deed.STOP and renews_at:
        yield f"It stays on until {_day(renews_at)}, which is paid for. Then it is switched off and charged no more."
    elif deed is Deed.KEEP:
        yield "It goes on, and is charged with the next period as before."
    if deed in {*TELLING, Deed.ADD, Deed.OPT_OUT} and feature.effect:
        yield feature.effect
    if deed in {*TELLING, Deed.ADD, Deed.OPT_OUT}:
        yield "Parts of the application restart once for it." if feature.restarts else "Nothing restarts for it."


def _on_what_grounds(entitlement: Entitlement, held: Held) -> str:
    until = f" until {_day(entitlement.until)}" if entitlement.until else ""
    match entitlement.source:
        case Source.PLAN:
            return "Your plan includes it: nothing more is charged."
        case Source.ADD_ON:
            return "It is part of your subscription already: nothing more is charged."
        case Source.GRANT:
            return f"We have given it to you{until or ' without an end'}: nothing is charged."
    prices = " or ".join(held.offer.prices.values())
    return f"Your trial may have it{until} at no charge. With a subscription it costs {prices}, or comes with a plan."


def _day(moment: datetime) -> str:
    return f"{moment:%-d %B %Y}"
