"""A trial is extended, with what that means shown before."""

from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from billing.models import Upkeep
from billing.services.trials import extension, trial_extend
from billing.terms.money import money
from billing.terms.trials import LONGEST, LONGEST_BY_SALES, Extension
from portal.core.admin.deeds import Answers, Deed, DeedForm, ReasonForm
from portal.core.audit import Actor
from portal.core.errors import ServiceError
from provisioning.models import Kind
from provisioning.models.instances import BUILT

USUAL_DAYS: Final = 14


class ExtendForm(ReasonForm):
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST,
        initial=USUAL_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"From its end, or from now where that is past. More than {LONGEST_BY_SALES}, or a second time, only "
        "a sales manager may.",
    )
    field_order = ("days", "reason")


def consequences(upkeep: Upkeep, form: DeedForm) -> list[str]:
    """What the chosen number of days means, as sentences; before one is chosen, the usual number."""
    given = str(form.data.get("days", ""))
    days = int(given) if given.isdecimal() else USUAL_DAYS
    try:
        return list(_told(extension(upkeep.instance, days)))
    except ServiceError as error:
        return [str(error)]


def _told(planned: Extension) -> tuple[str, ...]:
    cost = f"{planned.days} days cost us {money(planned.cents, 'usd')} by list price."
    ends = f"It goes on until {planned.until:%-d %B %Y}, in place of {planned.ends_at:%-d %B %Y}; its people are told."
    before = f"It was extended {planned.earlier} times before." if planned.earlier else "It was not extended before."
    who = " A sales manager has to do it." if planned.needs_manager else ""
    return (ends, cost, before + who, *(["It is resumed within minutes."] if planned.resumes else []))


def _extend(upkeep: Upkeep, answers: Answers, actor: Actor) -> str:
    made = trial_extend(instance=upkeep.instance, days=answers["days"], actor=actor, reason=answers["reason"])
    return f"The trial {upkeep.instance} goes on until {made.until:%-d %B %Y}."


def _is_possible(upkeep: Any) -> bool:
    return upkeep.instance.kind == Kind.TRIAL and upkeep.instance.status in BUILT


EXTEND: Final = Deed(
    name="extend",
    title="Extend the trial",
    explanation="It ends later. If it was suspended because it had ended, it comes back.",
    do=_extend,
    form=ExtendForm,
    icon="more_time",
    is_possible=_is_possible,
    is_usual=True,
)
