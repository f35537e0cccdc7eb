"""The admin's first page: how the fleet is, and what needs a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from provisioning.admin.alerts import open_now
from provisioning.admin.attention import needing_attention
from provisioning.admin.diagnosis import diagnose
from provisioning.admin.holds import overdue_holds
from provisioning.admin.instances import coming_up, ending_soon
from provisioning.admin.links import address_of, list_address
from provisioning.admin.rollout_words import rollout_pill, stage_in_words
from provisioning.admin.states import operation_pill
from provisioning.admin.usual import Usual, usual_by_kind
from provisioning.clients.google import breaker
from provisioning.clients.google.calls import title_of
from provisioning.models import Alert, Instance, InstanceStatus, Operation, Rollout, RolloutMember
from provisioning.selectors import drifted, open_leaks
from provisioning.selectors.health import degraded_count

SHOWN = 20
COUNTS, COUNTS_SECONDS = "fleet-counts", 10
UNDER_WAY = (Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.ROLLING_BACK)


@dataclass(frozen=True)
class Figure:
    title: str
    count: int | str
    note: str
    link: str
    icon: str
    is_bad: bool = False


@dataclass(frozen=True)
class Counts:
    """How many instances, alerts, leaks and holds there are of those that somebody may have to see to."""

    running: int
    coming_up: int
    degraded: int
    alerts: int
    drift: int
    leaks: int
    ending: int
    overdue: int


@dataclass(frozen=True)
class Trouble:
    """An operation that needs a person, and why."""

    operation: Operation
    link: str
    state: SafeString
    why: str


@dataclass(frozen=True)
class Going:
    """A rollout that is under way, and how far it is."""

    rollout: Rollout
    link: str
    state: SafeString
    stage: str
    turns: str


@dataclass(frozen=True)
class Outage:
    """A service of Google that fails for everyone, so that nothing new starts that needs it."""

    title: str
    since: datetime


def dashboard(_request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the first page, with its figures and its lists of rollouts and troubles. At most 15 queries."""
    usual = usual_by_kind()
    needing = needing_attention(usual)
    troubles = [_trouble(operation, usual) for operation in needing[:SHOWN]]
    going = [_going(rollout) for rollout in _under_way()]
    found = counts()
    return {
        **context,
        "title": "Overview",
        "figures": [
            *_figures(needing.count() if len(troubles) == SHOWN else len(troubles), found),
            *_update_figures([one.rollout for one in going], found.overdue),
        ],
        "going": going,
        "troubles": troubles,
        "desk_address": _desk(),
        "outages": [Outage(title_of(service), since) for service, since in sorted(breaker.open_services().items())],
    }


def counts() -> Counts:
    """As of now, or of some seconds ago: each of them takes a look at the whole fleet. Eight queries, or none."""
    return cast("Counts", cache.get_or_set(COUNTS, _counted, COUNTS_SECONDS))


def _counted() -> Counts:
    return Counts(
        running=Instance.objects.filter(status=InstanceStatus.RUNNING).count(),
        coming_up=coming_up().count(),
        degraded=degraded_count(),
        alerts=Alert.objects.filter(open_now()).count(),
        drift=drifted().count(),
        leaks=open_leaks().count(),
        ending=ending_soon().count(),
        overdue=overdue_holds().count(),
    )


def _figures(troubles: int, found: Counts) -> list[Figure]:
    instances = "provisioning_instance"
    unwell = list_address(instances, health="degraded")
    coming, ending = list_address(instances, life="coming-up"), list_address(instances, life="ending")
    drift_page, leaks_page = list_address("provisioning_survey"), list_address("provisioning_leak")
    alerts_page, running = list_address("provisioning_alert"), list_address(instances, status__exact="running")
    return [
        Figure("Running", found.running, "instances", running, "check_circle"),
        Figure("Coming up", found.coming_up, "instances", coming, "progress_activity"),
        Figure("Degraded", found.degraded, "instances", unwell, "heart_broken", found.degraded > 0),
        Figure("Needs attention", troubles, "operations", _desk(), "error", troubles > 0),
        Figure("Alerts", found.alerts, "open", alerts_page, "notifications", found.alerts > 0),
        Figure("Drift", found.drift, "instances", drift_page, "difference", found.drift > 0),
        Figure("Leaks", found.leaks, "resources", leaks_page, "leak_add", found.leaks > 0),
        Figure("Trials ending", found.ending, "within 7 days", ending, "event"),
    ]


def _update_figures(going: list[Rollout], overdue: int) -> list[Figure]:
    paused = sum(rollout.status == Rollout.Status.PAUSED for rollout in going)
    note = f"under way, {paused} paused" if paused else "under way"
    rollouts = list_address("provisioning_rollout")
    holds = list_address("provisioning_hold", state="overdue")
    return [
        Figure("Rollouts", len(going), note, rollouts, "rocket_launch", is_bad=paused > 0),
        Figure("Overdue holds", overdue, "past their day", holds, "back_hand", is_bad=overdue > 0),
    ]


def _under_way() -> Any:
    """Paused ones first. Two queries."""
    done, failed = Q(members__status=RolloutMember.Status.DONE), Q(members__status=RolloutMember.Status.FAILED)
    counts = {"done": Count("members", done), "failed": Count("members", failed), "total": Count("members")}
    rows = Rollout.objects.filter(status__in=UNDER_WAY).annotate(**counts)
    return rows.select_related("release").prefetch_related("stages").order_by("status", "-started_at")


def _going(rollout: Any) -> Going:
    stages = rollout.stages.all()
    name = next((stage.name for stage in stages if stage.position == rollout.stage_position), "")
    return Going(
        rollout=rollout,
        link=address_of(rollout),
        state=rollout_pill(rollout),
        stage=f"stage {stage_in_words(rollout, len(stages))}, {name}",
        turns=f"{rollout.done} of {rollout.total} done, {rollout.failed} failed",
    )


def _desk() -> str:
    return reverse("admin:provisioning_operation_desk")


def _trouble(operation: Operation, usual: dict[str, Usual]) -> Trouble:
    why = diagnose(operation, usual.get(operation.kind)).why
    return Trouble(operation, address_of(operation), operation_pill(operation), why)
