"""Whether an operation may begin now. Caps protect the cloud from all of a fleet at once; others may add gates.

A gate never holds a worker: what may not begin stays queued, says why, and is asked about again every beat.
"""

from collections.abc import Callable

from django.conf import settings
from django.db import connection

from provisioning.models import Operation, Tenancy
from provisioning.models.operations import ACTIVE

TURN = 0x7475_726E  # any number that nothing else locks by
Gate = Callable[[Operation], str]


def take_turns() -> None:
    """Until this transaction ends nobody else begins an operation: two at once cannot both be the last that fits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])


def obstacle(operation: Operation) -> str:
    """What is in its way: completes “waiting for …”; empty when it may begin."""
    return next(filter(None, (gate(operation) for gate in _gates)), "")


def add_gate(gate: Gate) -> None:
    """One more is asked before an operation begins. It answers fast, and an empty string when it lets pass."""
    _gates.append(gate)


def bucket_of(operation: Operation) -> tuple[str, str | None]:
    """Operations of the same bucket meet the same obstacles: kind, and the brought cluster if there is one."""
    return operation.kind, operation.instance.cluster_id


def _kinds(operation: Operation) -> str:
    caps: dict[str, int] = settings.ENGINE_MOST_AT_ONCE
    most = caps.get(operation.kind, caps[""])
    if Operation.objects.filter(kind=operation.kind, status__in=ACTIVE).count() < most:
        return ""
    return f"its turn: {most} operations of kind “{operation.kind}” run, which is the most at once"


def _parents(operation: Operation) -> str:
    """The parent of a project is the folder that all are made in; of a brought cluster's namespace, the cluster."""
    under_way = Operation.objects.filter(status__in=ACTIVE)
    if operation.instance.tenancy == Tenancy.DEDICATED:
        most, where = settings.ENGINE_MOST_PER_FOLDER, settings.GOOGLE_PARENT or "this organization"
        count = under_way.filter(instance__tenancy=Tenancy.DEDICATED).count()
    else:
        most, where = settings.ENGINE_MOST_PER_CLUSTER, "this cluster"
        count = under_way.filter(instance__cluster=operation.instance.cluster_id).count()
    return f"its turn: {most} operations run in {where}, which is the most at once" if count >= most else ""


_gates: list[Gate] = [_kinds, _parents]
