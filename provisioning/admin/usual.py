"""How long each kind of operation usually takes: learnt from what succeeded, or else what its table says."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Aggregate, Count, DurationField, F

from portal.core import clock
from provisioning.engine import graph
from provisioning.models import Operation, OperationStatus

LEARNT_FROM = timedelta(days=30)
FEWEST_RUNS = 5  # fewer may all have been special: then the table's time is believed if it is longer
TOLERANCE = 1.5
NEVER_SLOW_BEFORE_SECONDS = 60.0


class Percentile95(Aggregate):
    """What 95 of 100 stay below."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.95) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True)
class Usual:
    """`seconds` are those that 95 of 100 runs stay below; `runs` is how many it was learnt from."""

    seconds: float
    runs: int

    @property
    def limit(self) -> timedelta:
        """What has taken longer is slow."""
        return timedelta(seconds=max(NEVER_SLOW_BEFORE_SECONDS, TOLERANCE * self.seconds))


def usual_by_kind() -> dict[str, Usual]:
    """For every kind that there is. One query."""
    took = F("finished_at") - F("started_at")
    past = Operation.objects.filter(status=OperationStatus.SUCCEEDED, finished_at__gte=clock.now() - LEARNT_FROM)
    measured = past.order_by().values("kind").annotate(took=Percentile95(took), runs=Count("pk"))
    learnt = {row["kind"]: Usual(row["took"].total_seconds(), row["runs"]) for row in measured if row["took"]}
    return {workflow.kind: _usual(workflow, learnt.get(workflow.kind)) for workflow in graph.workflows()}


def _usual(workflow: graph.Workflow, learnt: Usual | None) -> Usual:
    table = _longest_path_seconds(workflow)
    if learnt is None:
        return Usual(table, 0)
    return learnt if learnt.runs >= FEWEST_RUNS else Usual(max(table, learnt.seconds), learnt.runs)


def _longest_path_seconds(workflow: graph.Workflow) -> float:
    pace = float(settings.ENGINE_PACE)
    durations = {node.name: node.usual.total_seconds() * pace for node in workflow.nodes}
    return graph.longest_path({node.name: node.needs for node in workflow.nodes}, durations)[1]
