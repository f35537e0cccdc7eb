"""Who has a trial, who waits for one, who may have one, and whether there is room."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, Q, QuerySet, Sum

from billing.models import TrialAllowance, TrialPolicy, TrialRequest
from billing.terms.trials import Load, why_full
from portal.core import clock
from portal.core.mail_domains import is_free_domain, parents_of
from portal.core.models import Organization
from provisioning.fleet.trials import trials_of
from provisioning.models import Instance, InstanceStatus, Kind, Size, Tenancy
from provisioning.services.instances import TRIAL_HAD, TRIAL_SIZE

REMEMBERED: Final = timedelta(days=365)
REFUSED: Final = "We could not give your organization a trial. Talk to us, and we will find a way."
State = TrialRequest.State


@dataclass(frozen=True)
class Waiting:
    """A request, and its place among all who wait; the first is 1."""

    request: TrialRequest
    position: int


def trial_policy() -> TrialPolicy:
    """As it is set, or as the portal ships with it. One query."""
    return TrialPolicy.objects.first() or TrialPolicy()


def trial_load() -> Load:
    """What trials of customers there are now. Those on clusters that somebody brings cost us nothing. One query."""
    trials = Instance.objects.filter(kind=Kind.TRIAL, organization__is_synthetic=False)
    living = trials.exclude(status=InstanceStatus.DELETED)
    found = living.aggregate(
        running=Count("pk", filter=~Q(status=InstanceStatus.SUSPENDED)),
        cents=Sum("size__infrastructure_cents", filter=Q(tenancy=Tenancy.DEDICATED), default=0),
    )
    return Load(**found)


def why_no_room(policy: TrialPolicy, *, ahead: int = 0) -> str:
    """Why no further trial can start once those ahead of it have; "" where there is room. Two queries."""
    cents = Size.objects.filter(pk=TRIAL_SIZE).values_list("infrastructure_cents", flat=True).first()
    return why_full(policy, trial_load(), cents or 0, ahead=ahead)


def waiting_list() -> QuerySet[TrialRequest]:
    """Who waits, in the order in which they asked."""
    return TrialRequest.objects.filter(state=State.WAITING).select_related("organization", "requested_by")


def who_can_start() -> QuerySet[TrialRequest]:
    """Those of them in whose way nothing stands but the want of room."""
    return waiting_list().filter(note="")


def waiting_of(organization: Organization) -> Waiting | None:
    """The organization's own place, if it waits. At most two queries."""
    request = waiting_list().filter(organization=organization).first()
    if request is None:
        return None
    before = Q(requested_at__lt=request.requested_at) | Q(requested_at=request.requested_at, pk__lt=request.pk)
    return Waiting(request, waiting_list().filter(before).count() + 1)


def may_repeat(organization: Organization) -> bool:
    """Whether it was allowed one more trial, and has not begun it. At most two queries."""
    allowance = organization.trial_allowances.order_by("-at").first()
    return allowance is not None and not trials_of(organization).filter(created_at__gt=allowance.at).exists()


def trial_refusal(organization: Organization) -> str:
    """Why the organization cannot have a trial, as a sentence for its people; "" if it can. At most seven queries."""
    if trials_of(organization).exclude(status=InstanceStatus.DELETED).exists():
        return TRIAL_HAD
    if _was_refused(organization):
        return REFUSED
    if may_repeat(organization):
        return ""
    if trials_of(organization).exists():
        return TRIAL_HAD
    if _is_known_company(organization):
        domain = organization.email_domain
        return f"Somebody at {domain} has had a trial already. Ask your colleagues, or talk to us."
    return ""


def _was_refused(organization: Organization) -> bool:
    """Whether one of us has refused it, and nobody has allowed it one since."""
    refused = organization.trial_requests.filter(state=State.REFUSED, decided_by__isnull=False)
    latest = refused.order_by("-decided_at").first()
    if latest is None or latest.decided_at is None:
        return False
    return not TrialAllowance.objects.filter(organization=organization, at__gt=latest.decided_at).exists()


def _is_known_company(organization: Organization) -> bool:
    """Whether a trial of another organization at its domain, one above or one below it, has run within a year.

    A free-mail domain is no company's, and what the portal tries itself out with is none.
    """
    domain = organization.email_domain
    if organization.is_synthetic or is_free_domain(domain):
        return False
    related = Q(organization__email_domain__in=[domain, *parents_of(domain)])
    if "." in domain:
        related |= Q(organization__email_domain__endswith=f".{domain}")
    ran = Instance.objects.filter(related, kind=Kind.TRIAL, ready_at__isnull=False, organization__is_synthetic=False)
    lately = ~Q(status=InstanceStatus.DELETED) | Q(deleted_at__gt=clock.now() - REMEMBERED)
    return ran.filter(lately).exclude(organization=organization).exists()
