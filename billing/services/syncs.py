"""Catalogues are compared and brought to each other by a worker; who asked for it sees on a page what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from billing.clients.stripe import Away
from billing.models import Sync
from billing.services.costs import TakenIn, costs_import, costs_refresh
from billing.services.jumps import jumps_look
from billing.services.prices import prices_sync
from billing.services.reconciling import accounts_reconcile
from billing.services.stripe_catalogue import catalogue_changes, catalogue_sync
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, ServiceError
from provisioning.services.sending import send_on_commit

GO_ON: Final = "billing.tasks.go_on_with_syncs"
LEASE: Final = timedelta(minutes=4)  # beyond the time limit of tasks
PREVIEW_HOLDS: Final = timedelta(minutes=15)
OPEN: Final = (Sync.Status.QUEUED, Sync.Status.RUNNING)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Found:
    """What a run has changed, and what a person should see to, as sentences."""

    changes: tuple[str, ...]
    problems: tuple[str, ...] = ()


def sync_request(kind: Sync.Kind, *, actor: Actor, reason: str = "") -> Sync:
    """A run is queued. One that is under way already is answered instead: of two requests one is enough."""
    with transaction.atomic():
        wanted = {"requested_by": actor.user, "requested_for": actor.label, "reason": reason}
        Sync.objects.bulk_create([Sync(kind=kind, **wanted)], ignore_conflicts=True)
        send_on_commit(GO_ON)
        return Sync.objects.get(kind=kind, status__in=OPEN)


def newest_preview() -> Sync | None:
    """The last one that was asked for, where what it says may still be so."""
    return Sync.objects.filter(kind=Sync.Kind.PREVIEW, requested_at__gt=clock.now() - PREVIEW_HOLDS).first()


def catalogue_sync_request(*, actor: Actor, reason: str) -> Sync:
    """Stripe's catalogue is brought to ours. Raises Conflict where nobody has looked lately what that would change."""
    preview = newest_preview()
    if preview is None or preview.status != Sync.Status.DONE:
        raise Conflict("Look first what differs: nobody has, within the last quarter of an hour.")
    return sync_request(Sync.Kind.CATALOGUE, actor=actor, reason=reason)


def syncs_go_on() -> int:
    """Whatever is queued, or whose worker has died, has been run; answers of how many."""
    done = 0
    while sync := _claim():
        _run(sync)
        done += 1
    return done


def costs_file_import(*, path: Path, actor: Actor) -> Found:
    """The file's costs are taken in here and now; the run is listed with those of workers. Raises Invalid."""
    taken = costs_import(path=path, actor=actor)
    found = _with_jumps(taken)
    done = {"status": Sync.Status.DONE, "finished_at": clock.now(), "reason": f"The file {path.name}."[:500]}
    asked = {"requested_by": actor.user, "requested_for": actor.label}
    Sync.objects.create(
        kind=Sync.Kind.COSTS, changes=list(found.changes), problems=list(found.problems), **done, **asked
    )
    return found


@transaction.atomic
def _claim() -> Sync | None:
    now = clock.now()
    due = Q(status=Sync.Status.QUEUED) | Q(status=Sync.Status.RUNNING, lease_until__lte=now)
    sync = Sync.objects.select_for_update(skip_locked=True, of=("self",)).filter(due).order_by("requested_at").first()
    if sync:
        sync.status, sync.lease_until = Sync.Status.RUNNING, now + LEASE
        sync.save(update_fields=["status", "lease_until"])
    return sync


def _run(sync: Sync) -> None:
    """What fails is told as a sentence; the next run, nightly or by a button, begins where this one has ended."""
    actor = Actor(sync.requested_by, sync.requested_for)
    try:
        found = RUNS[Sync.Kind(sync.kind)](actor, sync.reason)
    except (Away, ServiceError) as error:
        _finish(sync, Sync.Status.FAILED, Found((), (f"{str(error).rstrip('.')}. What was done so far stays.",)))
    except Exception as error:
        log.exception("sync.failed", kind=sync.kind)
        _finish(sync, Sync.Status.FAILED, Found((), (f"{type(error).__name__}: {error}",)))
    else:
        _finish(sync, Sync.Status.DONE, found)


def _finish(sync: Sync, status: Sync.Status, found: Found) -> None:
    """Nothing, if somebody else has taken the run over meanwhile."""
    mine = Sync.objects.filter(pk=sync.pk, status=Sync.Status.RUNNING, lease_until=sync.lease_until)
    mine.update(
        status=status,
        finished_at=clock.now(),
        lease_until=None,
        changes=list(found.changes),
        problems=list(found.problems),
    )


def _prices(actor: Actor, _reason: str) -> Found:
    synced = prices_sync(actor=actor)
    return Found(tuple(map(str, synced.new)), synced.problems)


def _preview(_actor: Actor, _reason: str) -> Found:
    """Nothing is changed: what it says it changed is what the catalogue's own run would."""
    return Found(tuple(map(str, catalogue_changes())))


def _catalogue(actor: Actor, reason: str) -> Found:
    return Found(tuple(map(str, catalogue_sync(actor=actor, reason=reason))))


def _accounts(_actor: Actor, _reason: str) -> Found:
    known, strange = accounts_reconcile()
    return Found(tuple(known), tuple(strange))


def _costs(_actor: Actor, _reason: str) -> Found:
    return _with_jumps(costs_refresh() if settings.GOOGLE_COST_TABLE else None)


def _with_jumps(taken: TakenIn | None) -> Found:
    """Where nothing is taken in, jumps are looked for in what is reckoned."""
    looked = jumps_look()
    changes, problems = (taken.changes, taken.problems) if taken else ([], [])
    return Found((*changes, *looked.settled), (*looked.found, *problems))


RUNS: Final[dict[Sync.Kind, Callable[[Actor, str], Found]]] = {
    Sync.Kind.PRICES: _prices,
    Sync.Kind.PREVIEW: _preview,
    Sync.Kind.CATALOGUE: _catalogue,
    Sync.Kind.ACCOUNTS: _accounts,
    Sync.Kind.COSTS: _costs,
}
