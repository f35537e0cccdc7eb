"""Jumps in cost: found and explained once a day, settled by themselves when the cost goes back, or by a person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from billing.costs.series import DAY, Thing, find_jump, is_dearer, level
from billing.costs.spans import midnight
from billing.models import CostJump
from billing.selectors.series import WINDOW, Series, series_of
from billing.terms.jumps import jump_in_words
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind

Key = tuple[str, str, str]  # instance, service, SKU
# Of several operations on the day, these are the likelier reason.
COSTLY: Final = {
    OperationKind.PROVISION,
    OperationKind.RESIZE,
    OperationKind.RESUME,
    OperationKind.APPLY_FEATURES,
    OperationKind.MIGRATE_ARCHITECTURE,
}
GONE_BACK: Final = "The cost has gone back."


@dataclass(frozen=True)
class Looked:
    """As sentences: what has jumped, and what has gone back."""

    found: tuple[str, ...]
    settled: tuple[str, ...]


def jumps_look() -> Looked:
    """Each jump in the cost of a living instance is written down once; what has gone back is settled."""
    now = clock.now()
    customers = Instance.objects.filter(organization__is_synthetic=False)
    living = customers.exclude(status=InstanceStatus.DELETED).select_related("size", "organization")
    series = {instance.pk: (instance, found) for instance, found in series_of(living, now)}
    with transaction.atomic():
        still_open, settled = _settle(series, now)
        new = list(_new(series.values(), still_open, now))
        _explain(new)
        CostJump.objects.bulk_create(new, ignore_conflicts=True)
    return Looked(tuple(map(jump_in_words, new)), tuple(f"{jump_in_words(jump)[:-1]}. {jump.note}" for jump in settled))


def jump_settle(*, jump: CostJump, actor: Actor, reason: str) -> CostJump:
    """What it costs now is usual from here on. Raises Conflict for one that is settled."""
    with transaction.atomic():
        row = CostJump.objects.select_for_update().get(pk=jump.pk)
        if row.settled_at:
            raise Conflict("This jump is settled already.")
        row.settled_at, row.settled_by, row.note = clock.now(), actor.user, reason
        row.save(update_fields=["settled_at", "settled_by", "note"])
        record("cost.settle", row, actor=actor, reason=reason, details={"instance": row.instance_id, "sku": row.sku})
    return row


def _settle(series: dict[str, tuple[Instance, Series]], now: datetime) -> tuple[set[Key], list[CostJump]]:
    """Open jumps cost what they cost now; answers of those that are still open, and of those that have gone back."""
    rows = CostJump.objects.filter(settled_at=None).select_related("instance", "explained_by")
    jumps = list(rows.select_for_update(of=("self",)))
    still_open, settled = set[Key](), list[CostJump]()
    for jump in jumps:
        jump.after_nanos = _level(jump, series)
        if is_dearer(jump.after_nanos, jump.before_nanos):
            still_open.add((jump.instance_id, jump.service, jump.sku))
        else:
            jump.settled_at, jump.note = now, GONE_BACK
            settled.append(jump)
    CostJump.objects.bulk_update(jumps, ["after_nanos", "settled_at", "note"])
    return still_open, settled


def _level(jump: CostJump, series: dict[str, tuple[Instance, Series]]) -> int:
    """What it costs a day now; nothing where the instance is gone."""
    _, of_instance = series.get(jump.instance_id, (None, None))
    if of_instance is None:
        return 0
    return level(of_instance.costs.get(Thing(jump.service, jump.sku), {}), of_instance.until)


def _new(series: Iterable[tuple[Instance, Series]], still_open: set[Key], now: datetime) -> Iterator[CostJump]:
    accepted = _accepted(now)
    for instance, of_instance in series:
        for thing, costs in of_instance.costs.items():
            key = (instance.pk, thing.service, thing.sku)
            found = find_jump(
                costs, until=of_instance.until, known_since=of_instance.known_since, accepted=accepted[key]
            )
            if found and key not in still_open:
                levels = {"since": found.since, "before_nanos": found.before, "after_nanos": found.after}
                yield CostJump(instance=instance, found_at=now, **_named(thing), **levels)


def _named(thing: Thing) -> dict[str, str]:
    return {"service": thing.service, "sku": thing.sku, "description": thing.description}


def _accepted(now: datetime) -> defaultdict[Key, int]:
    """What persons have settled lately; after a window the days before tell it by themselves."""
    levels = defaultdict[Key, int](int)
    lately = CostJump.objects.filter(settled_by__isnull=False, settled_at__gt=now - 2 * WINDOW)
    for instance, service, sku, nanos in lately.values_list("instance_id", "service", "sku", "after_nanos"):
        levels[instance, service, sku] = max(levels[instance, service, sku], nanos)
    return levels


def _explain(jumps: list[CostJump]) -> None:
    """By what ended on the day that it jumped or the day before: a day's cost says no hours. One query."""
    if not jumps:
        return
    earliest = midnight(min(jump.since for jump in jumps) - DAY)
    ended = Operation.objects.filter(instance__in={jump.instance_id for jump in jumps}, finished_at__gte=earliest)
    by_instance = defaultdict[str, list[Operation]](list)
    for operation in ended.order_by("-finished_at").defer("wanted", "previous", "inputs"):
        by_instance[operation.instance_id].append(operation)
    for jump in jumps:
        fitting = [each for each in by_instance[jump.instance_id] if _comes_before(each, jump)]
        jump.explained_by = max(fitting, key=lambda each: each.kind in COSTLY, default=None)


def _comes_before(operation: Operation, jump: CostJump) -> bool:
    since = midnight(jump.since)
    return operation.finished_at is not None and since - DAY <= operation.finished_at < since + DAY
