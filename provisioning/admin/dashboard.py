"""The admin's first page: how the fleet is, and what needs a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
UNDER_WAY = (Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.ROLLING_BACK)


@dataclass(frozen=True)
class Figure:
    title: str
    count: int
    note: str
    link: str
    icon: str
    is_bad: bool = False


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
    """The context of the first page, with its figures and its lists of rollouts and troubles. 15 queries."""
    usual = usual_by_kind()
    needing = needing_attention(usual)
    troubles = [_trouble(operation, usual) for operation in needing[:SHOWN]]
    going = [_going(rollout) for rollout in _under_way()]
    return {
        **context,
        "title": "Overview",
        "figures": [
            *_figures(needing.count() if len(troubles) == SHOWN else len(troubles)),
            *_update_figures([one.rollout for one in going]),
        ],
        "going": going,
        "troubles": troubles,
        "desk_address": _desk(),
        "outages": [Outage(title_of(service), since) for service, since in sorted(breaker.open_services().items())],
    }


def _figures(troubles: int) -> list[Figure]:
    instances = "provisioning_instance"
    running = Instance.objects.filter(status=InstanceStatus.RUNNING).count()
    degraded, unwell = degraded_count(), list_address(instances, health="degraded")
    drift, leaks = drifted().count(), open_leaks().count()
    alerts = Alert.objects.filter(open_now()).count()
    coming, ending = list_address(instances, life="coming-up"), list_address(instances, life="ending")
    drift_page, leaks_page = list_address("provisioning_survey"), list_address("provisioning_leak")
    return [
        Figure("Running", running, "instances", list_address(instances, status__exact="running"), "check_circle"),
        Figure("Coming up", coming_up().count(), "instances", coming, "progress_activity"),
        Figure("Degraded", degraded, "instances", unwell, "heart_broken", is_bad=degraded > 0),
        Figure("Needs attention", troubles, "operations", _desk(), "error", is_bad=troubles > 0),
        Figure("Alerts", alerts, "open", list_address("provisioning_alert"), "notifications", is_bad=alerts > 0),
        Figure("Drift", drift, "instances", drift_page, "difference", is_bad=drift > 0),
        Figure("Leaks", leaks, "resources", leaks_page, "leak_add", is_bad=leaks > 0),
        Figure("Trials ending", ending_soon().count(), "within 7 days", ending, "event"),
    ]


def _update_figures(going: list[Rollout]) -> list[Figure]:
    paused = sum(rollout.status == Rollout.Status.PAUSED for rollout in going)
    note = f"under way, {paused} paused" if paused else "under way"
    rollouts, overdue = list_address("provisioning_rollout"), overdue_holds().count()
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
