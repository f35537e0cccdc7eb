"""The canary in figures, as of now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Max, Min

from portal.canary.models import CanaryRun, CanaryStage, State
from portal.core import clock
from provisioning.selectors.figures import Figures

READY: Final = "ready"  # the stage that people wait for
SHOWN: Final = 60


@dataclass(frozen=True)
class CanaryFigures:
    """Times in seconds. What nobody knows yet has no figure."""

    result: Figures  # no label; of the run that ended last: 1 it succeeded, 0 it failed
    stage_seconds: Figures  # stage, state; of that run
    success_age_seconds: Figures  # no label; since the last success ended, or the first run began
    left_behind: int  # runs that are over and of which something is still there


@dataclass(frozen=True)
class Ready:
    """How long an instance took to run, of a run that began at that time; None where it never did."""

    run: CanaryRun
    seconds: float | None


def canary_figures() -> CanaryFigures:
    """The figures of this moment. Four queries."""
    ended = CanaryRun.objects.exclude(state=State.RUNNING)
    last = ended.order_by("-ended_at").first()
    stages = CanaryStage.objects.filter(run=last, ended_at__isnull=False) if last else ()
    return CanaryFigures(
        result={(): int(last.state == State.SUCCEEDED)} if last else {},
        stage_seconds={(stage.name, stage.state): stage.seconds or 0.0 for stage in stages},
        success_age_seconds=_age_of_success(clock.now()),
        left_behind=ended.filter(cleaned_at=None).count(),
    )


def times_to_ready() -> Sequence[Ready]:
    """Of the last runs that are over, the oldest first. Two queries."""
    runs = CanaryRun.objects.exclude(state=State.RUNNING).order_by("-began_at")[:SHOWN]
    listed: list[Any] = list(runs)[::-1]
    stages = CanaryStage.objects.filter(run__in=listed, name=READY, state=State.SUCCEEDED)
    took = {stage.run_id: stage.seconds for stage in stages}
    return [Ready(run, took.get(run.pk)) for run in listed]


def _age_of_success(now: datetime) -> Figures:
    """Where nothing runs by itself, nobody waits for a success."""
    if not settings.CANARY_EMAIL_DOMAIN or not settings.CANARY_EVERY_HOURS:
        return {}
    succeeded = CanaryRun.objects.filter(state=State.SUCCEEDED).aggregate(at=Max("ended_at"))["at"]
    since = succeeded or CanaryRun.objects.aggregate(at=Min("began_at"))["at"]
    return {(): (now - since).total_seconds()} if since else {}
