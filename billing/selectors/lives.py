"""What instances were, and since when, from their rows and operations; what they cost by the price books."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from billing.costs.history import Change, Life, State, Stretch, stretches
from billing.costs.spans import Rates
from billing.selectors.prices import price_books
from provisioning.fleet.features import EXECUTORS, STANDBY
from provisioning.models import Instance, Kind, Operation, OperationKind, OperationStatus, Tenancy
from provisioning.spec import SizeSpec

# After these an instance may have another size, or be suspended or not. Of a teardown its row tells.
CHANGES: Final = (
    OperationKind.PROVISION,
    OperationKind.REHEARSE,
    OperationKind.RESIZE,
    OperationKind.SUSPEND,
    OperationKind.RESUME,
    OperationKind.APPLY_FEATURES,
    OperationKind.TAKEOVER,
)


def lives_of(instances: Iterable[Instance]) -> dict[str, tuple[Stretch, ...]]:
    """By id. One query, however many; each instance has its size at hand.

    Who runs on a cluster of their own costs us nothing at Google: there the life is empty.
    """
    ours = [instance for instance in instances if instance.tenancy == Tenancy.DEDICATED]
    changes = _changes(ours)
    return {instance.pk: stretches(_life(instance, changes[instance.pk])) for instance in ours}


def rates_by_region() -> dict[str, Rates]:
    """One query."""
    return {region: Rates(book.nanos) for region, book in price_books().items()}


def _life(instance: Instance, changes: list[Change]) -> Life:
    size = SizeSpec.of(instance.size).with_disks_of_at_least(instance.disk_floor_gb)
    return Life(size, instance.ready_at, instance.suspended_at, instance.deleted_at, tuple(changes))


def _changes(instances: list[Instance]) -> Mapping[str, list[Change]]:
    done = Operation.objects.filter(instance__in=instances, kind__in=CHANGES, status=OperationStatus.SUCCEEDED)
    known, found = dict[tuple[Any, ...], SizeSpec](), defaultdict[str, list[Change]](list)
    rehearsals = {instance.pk for instance in instances if instance.kind == Kind.REHEARSAL}
    for whose, at, size, is_suspended, features, lost in done.order_by("finished_at").values_list(
        "instance_id",
        "finished_at",
        "wanted__size",
        "wanted__is_suspended",
        "wanted__features",
        "wanted__lost_region",
    ):
        ours = () if whose in rehearsals else features or ()
        spec = known.setdefault(tuple(sorted(size.items())), SizeSpec(**size))
        if at is not None:
            state = State(spec, bool(is_suspended), sum(map(_executors, ours)), _has_standby(ours, lost))
            found[whose].append(Change(at, state))
    return found


def _executors(feature: Mapping[str, Any]) -> int:
    """Of a feature as specs tell it."""
    return int(feature["units"]) if EXECUTORS in feature["parts"] else 0


def _has_standby(features: Iterable[Mapping[str, Any]], lost_region: str | None) -> bool:
    """Once it has taken over there is none, until it is set up again."""
    return not lost_region and any(STANDBY in feature["parts"] for feature in features)
