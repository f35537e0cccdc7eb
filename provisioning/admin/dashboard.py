"""The admin's first page: how the fleet is, and what needs a person."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from provisioning.admin.attention import needing_attention
from provisioning.admin.instances import coming_up, ending_soon
from provisioning.admin.links import list_address
from provisioning.admin.states import operation_pill
from provisioning.models import Instance, InstanceStatus, Operation, Step

SHOWN = 20


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


def dashboard(_request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the first page, with its figures and its list of troubles. Six queries."""
    troubles = [_trouble(operation) for operation in needing_attention()[:SHOWN]]
    figures = _figures(needing_attention().count() if len(troubles) == SHOWN else len(troubles))
    return {**context, "title": "Overview", "figures": figures, "troubles": troubles, "all_troubles": _all_troubles()}


def _figures(troubles: int) -> list[Figure]:
    instances = "provisioning_instance"
    running = Instance.objects.filter(status=InstanceStatus.RUNNING).count()
    return [
        Figure("Running", running, "instances", list_address(instances, status__exact="running"), "check_circle"),
        Figure(
            "Coming up",
            coming_up().count(),
            "instances",
            list_address(instances, life="coming-up"),
            "progress_activity",
        ),
        Figure("Needs attention", troubles, "operations", _all_troubles(), "error", is_bad=troubles > 0),
        Figure(
            "Trials ending", ending_soon().count(), "within 7 days", list_address(instances, life="ending"), "event"
        ),
    ]


def _all_troubles() -> str:
    return list_address("provisioning_operation", attention="needed")


def _trouble(operation: Operation) -> Trouble:
    failing: list[Step] = operation.failing_steps  # type: ignore[attr-defined] # set by needing_attention
    why = operation.error or (failing[0].error if failing else "No worker takes its next step, though it is due.")
    link = reverse("admin:provisioning_operation_change", args=[operation.pk])
    return Trouble(operation, link, operation_pill(operation), why)
