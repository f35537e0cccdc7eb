"""Trials are extended, and allowed once more; how many there may be is set (docs/trials.md)."""

from typing import Any, Final

from django.db import transaction

from billing.models import TrialAllowance, TrialExtension, TrialPolicy
from billing.selectors.trials import trial_refusal
from billing.services.trial_mail import tell_of_extension
from billing.services.upkeep import upkeep_ask
from billing.terms.trials import LONGEST, LONGEST_BY_SALES, Extension, cost_of
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.models import Organization
from portal.core.rights import is_manager, one_of_us
from provisioning import services
from provisioning.fleet.trials import trials_of
from provisioning.models import Instance, InstanceStatus, Kind, SuspensionNotice
from provisioning.services.sending import send_on_commit

DRAIN: Final = "billing.tasks.drain_waiting_list"
LARGEST_CAP: Final = 2_000_000_000


def extension(instance: Instance, days: int) -> Extension:
    """What extending it by so many days would mean. Raises Conflict unless it is a trial, Invalid for another span."""
    if instance.kind != Kind.TRIAL or instance.trial_ends_at is None:
        raise Conflict(f"Only a trial can be extended; this one is {instance.kind}.")
    if not 1 <= days <= LONGEST:
        raise Invalid(f"A trial is extended by 1 to {LONGEST} days.", field="days")
    ended = instance.status == InstanceStatus.SUSPENDED and instance.suspended_because == SuspensionNotice.TRIAL_ENDED
    return Extension(
        ends_at=instance.trial_ends_at,
        from_at=max(instance.trial_ends_at, clock.now()),
        days=days,
        cents=cost_of(instance.size.infrastructure_cents, days),
        earlier=instance.trial_extensions.count(),
        resumes=ended,
    )


def trial_extend(*, instance: Instance, days: int, actor: Actor, reason: str) -> TrialExtension:
    """The trial goes on for so many days more, and its people know. If it has ended, it is resumed at once.

    Sales may do it once, by up to thirty days; Forbidden for more than that without a manager. Raises Invalid for
    another span or without a reason, Conflict for what cannot be extended.
    """
    user = one_of_us(actor)
    with transaction.atomic():
        row = Instance.objects.select_for_update(of=("self",)).select_related("size").get(pk=instance.pk)
        planned = extension(row, days)
        if planned.needs_manager and not is_manager(user):
            raise Forbidden(_too_much(planned))
        services.trial_extend(instance=row, until=planned.until, actor=actor, reason=reason)
        made = TrialExtension.objects.create(
            instance=row, from_at=planned.ends_at, until=planned.until, days=days, by=user, reason=reason.strip()
        )
        tell_of_extension(made, is_back=planned.resumes)
        upkeep_ask(Instance.objects.filter(pk=row.pk))
    return made


def trial_allow(*, organization: Organization, actor: Actor, reason: str) -> TrialAllowance:
    """The organization may have one more trial. Raises Conflict while it has one, or may have one as it is."""
    user = one_of_us(actor)
    _check_reason(reason, "Say why it may have one more.")
    with transaction.atomic():
        row = Organization.objects.select_for_update().get(pk=organization.pk)
        if trials_of(row).exclude(status=InstanceStatus.DELETED).exists():
            raise Conflict("It has a trial. Extend that one.")
        if not trial_refusal(row):
            raise Conflict("It may have a trial already.")
        made = TrialAllowance.objects.create(organization=row, by=user, reason=reason.strip())
        record("trial.allow", row, organization_id=row.pk, actor=actor, reason=reason)
    return made


def trial_policy_set(
    *, most_running: int, most_cents_a_month: int, is_open: bool, actor: Actor, reason: str
) -> TrialPolicy:
    """So many trials there may be from now on; who waits is started where that makes room, and nobody is stopped."""
    _check_reason(reason, "Say why the policy is changed.")
    wanted = {"most_running": most_running, "most_cents_a_month": most_cents_a_month, "is_open": is_open}
    for field in ("most_running", "most_cents_a_month"):
        if not 0 <= wanted[field] <= LARGEST_CAP:
            raise Invalid(f"A cap is from 0 to {LARGEST_CAP:,}.", field=field)
    with transaction.atomic():
        policy = policy_locked()
        changes = {name: [getattr(policy, name), value] for name, value in wanted.items()}
        changes = {name: change for name, change in changes.items() if change[0] != change[1]}
        for name, (_, value) in changes.items():
            setattr(policy, name, value)
        if changes:
            policy.save(update_fields=list(changes))
            record("trialpolicy.change", policy, actor=actor, reason=reason, details=changes)
            send_on_commit(DRAIN)
    return policy


def policy_locked() -> TrialPolicy:
    """The policy, until the transaction ends: of two who ask for the last place the second sees the first."""
    TrialPolicy.objects.get_or_create(pk=1)
    return TrialPolicy.objects.select_for_update().get(pk=1)


def policy_was_wanted(**_signal: Any) -> None:
    """Receives provisioning's `catalogue_loaded`: there is a policy to edit."""
    TrialPolicy.objects.get_or_create(pk=1)


def _check_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise Invalid(sentence, field="reason")


def _too_much(planned: Extension) -> str:
    if planned.earlier:
        return "It was extended before. Ask a sales manager to do it once more."
    return f"Sales extends a trial by up to {LONGEST_BY_SALES} days. Choose fewer, or ask a sales manager."
