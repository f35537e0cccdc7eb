"""Writes audit events. Call it inside the transaction of the change it tells of."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from portal.core.models import AuditEvent, User


@dataclass(frozen=True)
class Actor:
    """Who is acting: a person, a person's token, or a process of ours (then `user` is None)."""

    user: User | None
    label: str
    source_address: str | None = None


def record(
    action: str,
    target: Model | str,
    *,
    organization_id: str | None = None,
    actor: Actor | None = None,
    actor_label: str = "",
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """The event is written. `actor` for people; `actor_label` alone for processes.

    `target` is the row that it is about, or the name of what is no row, such as an account elsewhere.
    """
    kind, key = (target, "") if isinstance(target, str) else (target._meta.model_name or "", str(target.pk))  # noqa: SLF001 - Django's documented model API
    return AuditEvent.objects.create(
        action=action,
        object_type=kind,
        object_id=key,
        organization_id=organization_id,
        actor=actor.user if actor else None,
        actor_label=actor.label if actor else actor_label,
        source_address=actor.source_address if actor else None,
        reason=reason,
        details=details or {},
    )
