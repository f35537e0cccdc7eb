"""Every act of the desk: what it asks, what comes of it in numbers, and which service does it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from billing.models import Grant, Sale, TrialRequest
from billing.selectors.subscriptions import subscription_of
from billing.selectors.trials import trial_load, trial_policy
from billing.services.changing import seats_of
from billing.services.granting import feature_grant, gift, grant_end
from billing.services.selling import (
    deal_of,
    needs_second,
    sale_approve,
    sale_go_on,
    sale_propose,
    sale_refuse,
    sale_withdraw,
)
from billing.services.trials import extension, trial_allow, trial_extend
from billing.services.waiting_list import trial_request_refuse, trial_request_start
from billing.terms.entitlements import NOTICE
from billing.terms.money import money
from portal.core.audit import Actor
from portal.core.models import Organization
from portal.web.desk.forms import ActForm, ExtendForm, GrantForm, InvoiceForm, SellForm
from provisioning.models import Instance

Told = Sequence[str]


@dataclass(frozen=True)
class Act:
    """`consequences` raises the service's own refusal; `do` answers what is said once it is done."""

    title: str
    button: str
    form: type[ActForm]
    consequences: Callable[[Any, Any], Told]
    do: Callable[[Any, Any, Actor], str]
    destroys: bool = False


def _extend_told(instance: Instance, form: ExtendForm) -> Told:
    planned = extension(instance, form.cleaned_data["days"])
    told = [
        f"It ends on {planned.until:%-d %B %Y} in place of {planned.ends_at:%-d %B %Y}.",
        f"The infrastructure costs us {money(planned.cents, 'usd')} for that by list.",
        f"It was extended {planned.earlier} times before." if planned.earlier else "It was never extended before.",
    ]
    told += ["It is suspended, and comes back at once."] if planned.resumes else []
    return [*told, "A sales manager has to do this."] if planned.needs_manager else told


def _extend(instance: Instance, form: ExtendForm, actor: Actor) -> str:
    made = trial_extend(
        instance=instance, days=form.cleaned_data["days"], actor=actor, reason=form.cleaned_data["reason"]
    )
    return f"The trial of {instance.slug} goes on until {made.until:%-d %B %Y}. Its people were told."


def _grant_told(instance: Instance, form: GrantForm) -> Told:
    asked, subscription = form.cleaned_data, subscription_of(instance)
    seats = seats_of(subscription) if subscription else instance.size.users
    planned = gift(instance, asked["feature"], asked["units"], asked["until"], seats)
    return [*planned.sentences, "A sales manager has to do this."] if planned.needs_manager else planned.sentences


def _grant(instance: Instance, form: GrantForm, actor: Actor) -> str:
    asked = {name: form.cleaned_data[name] for name in ("feature", "units", "until", "reason")}
    made = feature_grant(instance=instance, actor=actor, **asked)
    return f"{made.feature} is granted to {instance.slug}. They can switch it on now."


def _end_told(grant: Grant, _form: ActForm) -> Told:
    return [
        f"{grant.feature} is granted to {grant.instance.slug} no longer.",
        f"If it is on, its people are told, and it goes on for {NOTICE.days} days.",
    ]


def _end(grant: Grant, form: ActForm, actor: Actor) -> str:
    grant_end(grant=grant, actor=actor, reason=form.cleaned_data["reason"])
    return f"{grant.feature} is granted no longer."


def _sale(instance: Instance, form: SellForm | InvoiceForm) -> Sale:
    asked, wish = form.cleaned_data, form.wish()
    kind = Sale.Kind.ADD_ON if isinstance(wish, dict) else Sale.Kind.SUBSCRIPTION
    return Sale(
        instance=instance,
        kind=kind,
        wish=wish if isinstance(wish, dict) else _wish_json(asdict(wish)),
        percent_off=asked["percent_off"],
        months_off=asked["months_off"],
        reason=asked["reason"],
    )


def _wish_json(wish: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **wish,
        "interval": str(wish["interval"]),
        "currency": str(wish["currency"]),
        "features": list(wish["features"]),
    }


def _sale_told(instance: Instance, form: SellForm | InvoiceForm) -> Told:
    sale = _sale(instance, form)
    told = list(deal_of(sale).sentences)
    if sale.kind == Sale.Kind.SUBSCRIPTION:
        cost = money(instance.size.infrastructure_cents, "usd")
        told += [
            "Stripe sends an invoice that is due in 30 days. It counts as subscribed at once; nobody is interrupted.",
            f"Its infrastructure costs us {cost} a month by list.",
        ]
    else:
        told += [
            "The rest of this period is charged now, the way they pay the rest. It is switched on once it is paid."
        ]
    return [*told, "A second person, a manager, has to agree."] if needs_second(sale.percent_off) else told


def _sell(instance: Instance, form: SellForm | InvoiceForm, actor: Actor) -> str:
    return _said(sale_propose(sale=_sale(instance, form), actor=actor))


def _said(sale: Sale) -> str:
    if sale.state == Sale.State.PROPOSED:
        return "It waits for a second person, who finds it on the desk."
    if sale.error:
        return f"It is not done yet, and stays on the desk: {sale.error}"
    return f"Done: {sale}. What comes of it shows within seconds."


def _deal_told(sale: Sale, _form: ActForm) -> Told:
    return [f"{sale.proposed_by} has proposed it: {sale.reason}", *deal_of(sale).sentences]


def _approve(sale: Sale, form: ActForm, actor: Actor) -> str:
    return _said(sale_approve(sale=sale, actor=actor, reason=form.cleaned_data["reason"]))


def _refuse(sale: Sale, form: ActForm, actor: Actor) -> str:
    sale_refuse(sale=sale, actor=actor, reason=form.cleaned_data["reason"])
    return "It is refused; nothing was sold."


def _withdraw(sale: Sale, form: ActForm, actor: Actor) -> str:
    sale_withdraw(sale=sale, actor=actor, reason=form.cleaned_data["reason"])
    return "It is withdrawn; nothing was sold."


def _try_again(sale: Sale, _form: ActForm, actor: Actor) -> str:
    return _said(sale_go_on(sale=sale, actor=actor))


def _room_told(request: TrialRequest, _form: ActForm) -> Told:
    policy, load = trial_policy(), trial_load()
    cost, most = money(load.cents, "usd"), money(policy.most_cents_a_month, "usd")
    return [
        f"{request.organization} has its trial at once, whoever has waited longer.",
        f"{load.running:,} of at most {policy.most_running:,} trials run; all cost {cost} a month, of at most {most}.",
    ]


def _start(request: TrialRequest, form: ActForm, actor: Actor) -> str:
    made = trial_request_start(request=request, actor=actor, reason=form.cleaned_data["reason"])
    return f"The trial of {request.organization} is coming up as {made.slug}."


def _turn_down(request: TrialRequest, form: ActForm, actor: Actor) -> str:
    trial_request_refuse(request=request, actor=actor, reason=form.cleaned_data["reason"])
    return f"{request.organization} waits no longer, and was told so."


def _allow(organization: Organization, form: ActForm, actor: Actor) -> str:
    trial_allow(organization=organization, actor=actor, reason=form.cleaned_data["reason"])
    return f"{organization} may start one more trial."


ACTS: Final[Mapping[tuple[str, str], Act]] = {
    ("instances", "extend"): Act("Extend the trial", "Extend it", ExtendForm, _extend_told, _extend),
    ("instances", "grant"): Act("Grant a feature", "Grant it", GrantForm, _grant_told, _grant),
    ("instances", "sell"): Act("Sell a feature", "Sell it", SellForm, _sale_told, _sell),
    ("instances", "invoice"): Act("Subscribe by invoice", "Subscribe it", InvoiceForm, _sale_told, _sell),
    ("grants", "end"): Act("End the grant", "End it", ActForm, _end_told, _end, destroys=True),
    ("sales", "approve"): Act("Agree to the sale", "Agree", ActForm, _deal_told, _approve),
    ("sales", "refuse"): Act("Refuse the sale", "Refuse it", ActForm, _deal_told, _refuse, destroys=True),
    ("sales", "withdraw"): Act("Withdraw the sale", "Withdraw it", ActForm, _deal_told, _withdraw, destroys=True),
    ("sales", "try-again"): Act("Try the sale again", "Try again", ActForm, _deal_told, _try_again),
    ("requests", "start"): Act("Start the trial now", "Start it", ActForm, _room_told, _start),
    ("requests", "refuse"): Act(
        "Refuse the trial", "Refuse it", ActForm, lambda row, _: [f"{row.organization} is told that it gets none."],
        _turn_down, destroys=True,
    ),
    ("organizations", "allow"): Act(
        "Allow one more trial", "Allow it", ActForm,
        lambda row, _: [f"{row} may start one more trial, whoever at {row.email_domain} has had one."], _allow,
    ),
}  # fmt: skip
