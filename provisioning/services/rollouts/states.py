"""Which deed is legal in which state of a rollout, and how its row is taken."""

from typing import Final

from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.models import Rollout, RolloutMember
from provisioning.services.sending import send_on_commit

TICK: Final = "provisioning.tasks.move_rollouts"
S = Rollout.Status
LEGAL: Final[dict[str, frozenset[Rollout.Status]]] = {
    "started": frozenset({S.DRAFT}),
    "paused": frozenset({S.RUNNING}),
    "resumed": frozenset({S.PAUSED}),
    "widened": frozenset({S.RUNNING, S.PAUSED}),
    "aborted": frozenset({S.DRAFT, S.RUNNING, S.PAUSED, S.ROLLING_BACK}),
    "rolled back": frozenset({S.RUNNING, S.PAUSED, S.SUCCEEDED, S.ABORTED, S.SUPERSEDED}),
    "approved": frozenset({S.DRAFT, S.RUNNING, S.PAUSED}),
    "skipped": frozenset({S.DRAFT, S.RUNNING, S.PAUSED, S.SUCCEEDED, S.ROLLING_BACK}),
    "postponed": frozenset({S.RUNNING, S.PAUSED, S.SUCCEEDED}),
}
UNDER_WAY: Final = frozenset({S.RUNNING, S.PAUSED, S.ROLLING_BACK})
OF_A_PART: Final = {"approved", "skipped", "postponed"}


def taken(rollout_id: str, deed: str) -> Rollout:
    """The rollout, locked until the transaction ends. Raises Conflict when the deed is not for its state."""
    row = Rollout.objects.select_for_update(of=("self",), no_key=True).select_related("release", "policy")
    rollout = row.get(pk=rollout_id)
    if rollout.status not in LEGAL[deed]:
        cannot = f"nothing of it can be {deed}" if deed in OF_A_PART else f"it cannot be {deed}"
        raise Conflict(f"This rollout is {in_words(rollout)}; {cannot}.")
    return rollout


def in_words(row: Rollout | RolloutMember) -> str:
    """Its status, inside a sentence."""
    return row.get_status_display().lower()


def told(action: str, rollout: Rollout, actor: Actor, reason: str, **details: object) -> None:
    """The audit event of a deed is written, and the beat is called."""
    what = {"rollout": str(rollout), "is_emergency": rollout.is_emergency, **details}
    record(action, rollout, actor=actor, reason=reason, details=what)
    send_on_commit(TICK)


def check_reason(reason: str, what_for: str) -> None:
    if not reason.strip():
        raise Invalid(f"Say why {what_for}.", field="reason")
