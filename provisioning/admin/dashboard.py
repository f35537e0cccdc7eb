"""The admin's first page: how the fleet is, and what needs a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from provisioning.admin.attention import needing_attention
from provisioning.admin.diagnosis import diagnose
from provisioning.admin.instances import coming_up, ending_soon
from provisioning.admin.links import address_of, list_address
from provisioning.admin.states import operation_pill
from provisioning.admin.usual import Usual, usual_by_kind
from provisioning.clients.google import breaker
from provisioning.clients.google.calls import title_of
from provisioning.models import Instance, InstanceStatus, Operation
from provisioning.selectors import drifted, open_leaks

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


@dataclass(frozen=True)
class Outage:
    """A service of Google that fails for everyone, so that nothing new starts that needs it."""

    title: str
    since: datetime


def dashboard(_request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the first page, with its figures and its list of troubles. Ten queries."""
    usual = usual_by_kind()
    needing = needing_attention(usual)
    troubles = [_trouble(operation, usual) for operation in needing[:SHOWN]]
    return {
        **context,
        "title": "Overview",
        "figures": _figures(needing.count() if len(troubles) == SHOWN else len(troubles)),
        "troubles": troubles,
        "desk_address": _desk(),
        "outages": [Outage(title_of(service), since) for service, since in sorted(breaker.open_services().items())],
    }


def _figures(troubles: int) -> list[Figure]:
    instances = "provisioning_instance"
    running = Instance.objects.filter(status=InstanceStatus.RUNNING).count()
    drift, leaks = drifted().count(), open_leaks().count()
    coming, ending = list_address(instances, life="coming-up"), list_address(instances, life="ending")
    drift_page, leaks_page = list_address("provisioning_survey"), list_address("provisioning_leak")
    return [
        Figure("Running", running, "instances", list_address(instances, status__exact="running"), "check_circle"),
        Figure("Coming up", coming_up().count(), "instances", coming, "progress_activity"),
        Figure("Needs attention", troubles, "operations", _desk(), "error", is_bad=troubles > 0),
        Figure("Drift", drift, "instances", drift_page, "difference", is_bad=drift > 0),
        Figure("Leaks", leaks, "resources", leaks_page, "leak_add", is_bad=leaks > 0),
        Figure("Trials ending", ending_soon().count(), "within 7 days", ending, "event"),
    ]


def _desk() -> str:
    return reverse("admin:provisioning_operation_desk")


def _trouble(operation: Operation, usual: dict[str, Usual]) -> Trouble:
    why = diagnose(operation, usual.get(operation.kind)).why
    return Trouble(operation, address_of(operation), operation_pill(operation), why)
