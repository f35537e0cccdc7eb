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
    target: Model,
    *,
    organization_id: str | None = None,
    actor: Actor | None = None,
    actor_label: str = "",
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """The event is written. `actor` for people; `actor_label` alone for processes."""
    return AuditEvent.objects.create(
        action=action,
        object_type=target._meta.model_name or "",  # noqa: SLF001 - Django's documented model API
        object_id=str(target.pk),
        organization_id=organization_id,
        actor=actor.user if actor else None,
        actor_label=actor.label if actor else actor_label,
        source_address=actor.source_address if actor else None,
        reason=reason,
        details=details or {},
    )
