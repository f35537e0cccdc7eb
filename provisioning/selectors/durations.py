"""How long steps take: learnt from the last month's runs, or else what the workflow's table says."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Avg, Exists, F, OuterRef

from portal.core import clock
from provisioning.engine import graph
from provisioning.models import Step, StepAttempt, StepStatus

LEARNT_FROM = timedelta(days=30)


def expected_seconds(kind: str, steps: Iterable[str], *, with_work: bool = False) -> dict[str, float]:
    """By name, how long each of the steps takes. One query.

    `with_work`: only from runs in which the step found something to do. A repair's mostly find nothing, in no time.
    """
    past = Step.objects.filter(
        operation__kind=kind,
        operation__status="succeeded",
        operation__finished_at__gte=clock.now() - LEARNT_FROM,
        status=StepStatus.DONE,
    )
    if with_work:
        past = past.filter(Exists(StepAttempt.objects.filter(step=OuterRef("pk")).exclude(made=[])))
    learnt = dict(past.values_list("name").annotate(took=Avg(F("finished_at") - F("started_at"))))
    return {name: learnt[name].total_seconds() if name in learnt else _usual(kind, name) for name in steps}


def _usual(kind: str, step: str) -> float:
    node = graph.workflow_of(kind).find(step)
    return node.usual.total_seconds() * float(settings.ENGINE_PACE) if node else 0.0
