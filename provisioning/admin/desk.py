"""The unstick desk: every operation that does not get on, why, and what is safe to do about it."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString

from portal.core.admin.deeds import Button, PageWithDeeds
from provisioning.admin.attention import HALTED, NEEDS_A_PERSON, Rank, forsaken, needing_attention
from provisioning.admin.diagnosis import Diagnosis, diagnose
from provisioning.admin.links import address_of, list_address
from provisioning.admin.states import operation_pill
from provisioning.admin.usual import Usual, usual_by_kind
from provisioning.models import Instance, Operation, OperationKind
from provisioning.models.operations import LIVE

PER_PAGE = 25
FORSAKEN_SHOWN = 20
# What cannot make things worse for an operation in this state. A nudge only looks again.
SAFE = {
    Rank.STUCK: {"retry", "skip"},
    Rank.FAILED: {"retry", "skip", "undo", "teardown"},
    Rank.ADRIFT: {"nudge", "cancel"},
    Rank.LATE: {"nudge", "cancel"},
    Rank.STOPPING: {"nudge"},
    Rank.SLOW: {"nudge", "cancel"},
    Rank.QUEUED: {"nudge", "cancel"},
}


@dataclass(frozen=True)
class Case:
    """An operation on the desk."""

    operation: Operation
    link: str
    instance_link: str
    state: SafeString
    diagnosis: Diagnosis
    buttons: tuple[Button, ...]


@dataclass(frozen=True)
class Forsaken:
    """An instance that is not built and that nobody cares for."""

    instance: Instance
    link: str
    last: Operation | None
    buttons: tuple[Button, ...]


@dataclass(frozen=True)
class Choice:
    """One way to filter the desk."""

    title: str
    query: str
    count: int
    is_chosen: bool


def desk(request: HttpRequest, operations: PageWithDeeds, instances: PageWithDeeds) -> dict[str, Any]:
    """The context of the desk. Eight queries, however much is on it."""
    usual = usual_by_kind()
    why, kind = _chosen_rank(request.GET), _chosen_kind(request.GET)
    troubles = needing_attention(usual)
    leaf = Paginator(_shown(troubles, why, kind), PER_PAGE).get_page(request.GET.get("page"))
    without = list(_with_last(forsaken())[: FORSAKEN_SHOWN + 1])
    return {
        "leaf": leaf,
        "cases": [_case(operation, usual, operations) for operation in leaf],
        **_filters(request.GET, troubles, why, kind),
        "is_filtered": why is not None or kind is not None,
        "query": _query(request.GET, page=None),
        "forsaken": [_forsaken(instance, instances) for instance in without[:FORSAKEN_SHOWN]],
        "all_forsaken": list_address("provisioning_instance", life="forsaken") if len(without) > FORSAKEN_SHOWN else "",
    }


def _shown(troubles: QuerySet[Operation], why: Rank | None, kind: str | None) -> QuerySet[Operation]:
    shown = troubles if why is None else troubles.filter(rank=why)  # type: ignore[misc] # annotated
    shown = shown.filter(kind=kind) if kind else shown
    others = Operation.objects.filter(status__in=(*HALTED, *LIVE))
    return shown.prefetch_related(Prefetch("instance__operations", others))


def _case(operation: Operation, usual: dict[str, Usual], page: PageWithDeeds) -> Case:
    rank = Rank(operation.rank)  # type: ignore[attr-defined] # annotated
    safe = SAFE[rank] - ({"cancel"} if operation.kind == OperationKind.TEARDOWN and rank != Rank.QUEUED else set())
    return Case(
        operation=operation,
        link=address_of(operation),
        instance_link=address_of(operation.instance),
        state=operation_pill(operation),
        diagnosis=diagnose(operation, usual.get(operation.kind)),
        buttons=tuple(page.buttons(operation, only=safe)),
    )


def _with_last(instances: QuerySet[Instance]) -> QuerySet[Instance]:
    everything = Operation.objects.order_by("-created_at").select_related("requested_by")
    return instances.select_related("organization").prefetch_related(Prefetch("operations", everything))


def _forsaken(instance: Instance, page: PageWithDeeds) -> Forsaken:
    last = next(iter(instance.operations.all()), None)
    return Forsaken(instance, address_of(instance), last, tuple(page.buttons(instance, only={"teardown"})))


def _filters(
    query: QueryDict, troubles: QuerySet[Operation], why: Rank | None, kind: str | None
) -> dict[str, list[Choice]]:
    """By why and by kind, each with how many there are of it in all."""
    counts = list(troubles.order_by().values_list("rank", "kind").annotate(count=Count("pk")))  # type: ignore[misc] # annotated
    ranks, kinds = _sums(counts, 0), _sums(counts, 1)
    everything = sum(ranks.values())
    whys = [
        Choice("Everything", _query(query, why=None, page=None), everything, why is None),
        *(
            Choice(rank.label, _query(query, why=rank.name.lower(), page=None), ranks[rank], rank == why)
            for rank in NEEDS_A_PERSON
            if ranks.get(rank)
        ),
    ]
    of_kinds = [
        Choice("All kinds", _query(query, kind=None, page=None), everything, kind is None),
        *(
            Choice(name, _query(query, kind=name, page=None), kinds[name], name == kind)
            for name in OperationKind.values
            if kinds.get(name)
        ),
    ]
    return {"whys": whys, "kinds": of_kinds}


def _sums(counts: list[tuple[Any, ...]], column: int) -> dict[Any, int]:
    sums: dict[Any, int] = {}
    for row in counts:
        sums[row[column]] = sums.get(row[column], 0) + row[-1]
    return sums


def _chosen_rank(query: QueryDict) -> Rank | None:
    return next((rank for rank in NEEDS_A_PERSON if rank.name.lower() == query.get("why")), None)


def _chosen_kind(query: QueryDict) -> str | None:
    return next((kind for kind in OperationKind.values if kind == query.get("kind")), None)


def _query(query: QueryDict, **changes: str | None) -> str:
    """The address's query with some of it changed or, for None, left out."""
    kept = {key: query[key] for key in ("why", "kind", "page") if key in query} | changes
    renewed = QueryDict(mutable=True)
    renewed.update({key: str(value) for key, value in kept.items() if value is not None})
    return f"?{renewed.urlencode()}"
