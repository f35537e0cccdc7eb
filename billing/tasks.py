"""The tasks of billing. None carries state in its arguments; each may run twice or never."""

from celery import shared_task
from django.conf import settings

from billing.models import Sync
from billing.selectors.overview import fleet_reckon
from billing.services import events, facts, sla, syncs, upkeep, waiting_list
from billing.services.trials import DRAIN
from portal.core.audit import Actor
from provisioning.services.sending import send


@shared_task(name="billing.tasks.sync_prices")
def sync_prices() -> None:
    """A run is queued after which the price book is as Google's catalogue is today."""
    syncs.sync_request(Sync.Kind.PRICES, actor=Actor(None, "daily price sync"))


@shared_task(name="billing.tasks.sync_costs")
def sync_costs() -> None:
    """A run is queued after which costs are as Google tells them today, and jumps are found."""
    syncs.sync_request(Sync.Kind.COSTS, actor=Actor(None, "daily cost sync"))


@shared_task(name="billing.tasks.reckon_fleet")
def reckon_fleet() -> None:
    """The figures of the admin's first page are as of now."""
    fleet_reckon()


@shared_task(name="billing.tasks.go_on_with_upkeep")
def go_on_with_upkeep() -> None:
    """Instances whose money may have changed have been looked at. Where many are due, the next call goes on."""
    if upkeep.upkeep_go_on() == upkeep.MOST_AT_ONCE:
        send(upkeep.GO_ON)


@shared_task(name="billing.tasks.complete_upkeep")
def complete_upkeep() -> None:
    """Every living instance has its upkeep."""
    upkeep.upkeep_complete()


@shared_task(name="billing.tasks.reconcile_accounts")
def reconcile_accounts() -> None:
    """A run is queued that finds what Stripe has and we do not know, and the other way round."""
    if settings.STRIPE_SECRET_KEY:
        syncs.sync_request(Sync.Kind.ACCOUNTS, actor=Actor(None, "daily reconcile"))


@shared_task(name="billing.tasks.go_on_with_syncs")
def go_on_with_syncs() -> None:
    """Queued runs have been made."""
    syncs.syncs_go_on()


@shared_task(name="billing.tasks.fetch_facts")
def fetch_facts() -> None:
    """Customers whose facts have changed have been fetched from Stripe. Where many have, the next call goes on."""
    events.charges_go_on()
    if facts.accounts_go_on() == facts.MOST_AT_ONCE:
        send(facts.FETCH)


@shared_task(name="billing.tasks.drain_waiting_list")
def drain_waiting_list() -> None:
    """Who waits for a trial has one coming up, as far as there is room. Where many do, the next call goes on."""
    if waiting_list.waiting_list_drain() == waiting_list.MOST_AT_ONCE:
        send(DRAIN)


@shared_task(name="billing.tasks.propose_credits")
def propose_credits() -> None:
    """Months that broke a promise are known, each with the credit that a person has to approve."""
    sla.credits_propose()


@shared_task(name="billing.tasks.give_credits")
def give_credits() -> None:
    """Approved credits have been given, or have their next try set."""
    sla.credits_go_on()
