"""/metrics: what is worth an alert, read from the database at each scrape. No process keeps any count."""

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from billing.selectors.figures import money_figures
from portal.canary.selectors import canary_figures
from provisioning.clients.google import breaker
from provisioning.selectors.figures import Figures, fleet_figures, outside_figures, rollout_figures
from provisioning.selectors.health_figures import health_figures


class Fleet(Collector):
    """The fleet's figures at this moment."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _fleet()
        yield from _outside()
        yield from _rollouts()
        yield from _health()
        yield from _money()
        yield from _canary()
        open_services: Figures = {(service,): 1.0 for service in breaker.open_services()}
        yield _gauge("google_breaker_open", "1 where a Google service fails for everyone", "service", open_services)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus' text format, for who bears METRICS_TOKEN; without that setting there is no page."""
    token = settings.METRICS_TOKEN
    if not token:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return _unknown()
    registry = CollectorRegistry()
    registry.register(Fleet())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _fleet() -> Iterator[GaugeMetricFamily]:
    figures = fleet_figures()
    yield _gauge("operations", "Operations that are not at an end", "kind status", figures.operations)
    yield _gauge(
        "operation_oldest_seconds", "Age of the oldest of them", "kind status", figures.oldest_operation_seconds
    )
    yield _gauge("instances", "Instances that are not deleted", "status", figures.instances)
    yield _gauge("instances_by_version", "Running instances", "version", figures.instances_by_version)
    yield _gauge("instances_by_channel", "Running instances", "channel", figures.instances_by_channel)
    yield _gauge("drifted_instances", "Running instances that have drifted", "", {(): figures.drifted_instances})
    yield _gauge("drifting_things", "What is not as the specs say", "", {(): figures.drifting_things})
    yield _gauge("unclear_surveys", "Surveys that could not see all", "purpose", figures.unclear_surveys)
    yield _gauge("open_leaks", "What cloud and database disagree about", "kind", figures.open_leaks)
    yield _gauge("step_lag_seconds", "Wait of the oldest due step", "queue", figures.step_lag_seconds)
    yield _gauge("survey_lag_seconds", "Wait of the oldest due survey", "", {(): figures.survey_lag_seconds})


def _outside() -> Iterator[GaugeMetricFamily]:
    """Of the present hour, which begins with nothing: compare them with each other, not over time."""
    seen = outside_figures()
    yield _gauge("open_outages", "Instances that do not answer, as seen from outside", "kind", seen.open_outages)
    yield _gauge("probes_this_hour", "Looks from outside since the full hour", "", {(): seen.probes_this_hour})
    yield _gauge("failed_probes_this_hour", "Those that failed", "", {(): seen.failed_probes_this_hour})
    yield _gauge("probers_at_work", "1 while a prober works", "", {(): seen.probers_at_work})
    yield _gauge("prober_lag_seconds", "Since it last wrote or asked anything", "", seen.prober_lag_seconds)


def _rollouts() -> Iterator[GaugeMetricFamily]:
    figures = rollout_figures()
    yield _gauge("rollouts", "Rollouts", "status", figures.rollouts)
    yield _gauge("rollout_members", "Members of rollouts that are under way", "brings status", figures.members)
    yield _gauge("overdue_holds", "Holds that are past their day", "", {(): figures.overdue_holds})


def _health() -> Iterator[GaugeMetricFamily]:
    seen = health_figures()
    yield _gauge("instances_by_health", "Instances that stand, by how they are", "state", seen.instances)
    yield _gauge("open_alerts", "Alerts that are open", "severity", seen.open_alerts)
    yield _gauge("notice_lag_seconds", "Wait of the oldest unsent notice", "", {(): seen.notice_lag_seconds})
    yield _gauge("mail_lag_seconds", "Wait of the oldest unsent mail", "", {(): seen.mail_lag_seconds})
    yield _gauge("uptime_month_share", "Of this month, of all customers, without maintenance", "", seen.month_share)
    yield _gauge("error_budget_left", "Share of this month's, of all customers", "", {(): seen.budget_left})
    yield _gauge("error_budget_burn", "How many times too fast it goes", "hours", seen.burn)
    yield _gauge("step_seconds", "Of steps that ended in the last hour", "step figure", seen.step_seconds)
    yield _gauge("operation_seconds", "Of those that ended in the last hour", "kind figure", seen.operation_seconds)
    yield _gauge("operations_ended_last_hour", "Operations that did", "kind status", seen.operations_ended)
    yield _gauge("google_calls_last_minute", "Calls to Google's APIs", "service outcome", seen.google_calls)


def _money() -> Iterator[GaugeMetricFamily]:
    seen = money_figures()
    yield _gauge("stripe_events_last_hour", "Events taken in", "", {(): seen.events_this_hour})
    yield _gauge("stripe_event_lag_seconds", "From its cause to us, an hour's worst", "", {(): seen.event_lag_seconds})
    yield _gauge("facts_lag_seconds", "Wait of the oldest customer to be fetched", "", {(): seen.facts_lag_seconds})
    yield _gauge("facts_failing", "Customers whose facts cannot be had", "", {(): seen.facts_failing})
    yield _gauge("upkeep_lag_seconds", "Wait of the oldest instance due", "", {(): seen.upkeep_lag_seconds})
    yield _gauge("upkeep_failing", "Instances whose money cannot be looked at", "", {(): seen.upkeep_failing})
    yield _gauge("subscriptions", "Subscriptions that are not over", "status", seen.subscriptions)
    yield _gauge("trials", "Trials that are there", "", {(): seen.trials})
    yield _gauge("trials_waiting", "Organizations on the waiting list", "", {(): seen.trials_waiting})


def _canary() -> Iterator[GaugeMetricFamily]:
    seen = canary_figures()
    yield _gauge("canary_succeeded", "Whether the canary's last run did", "", seen.result)
    yield _gauge("canary_stage_seconds", "Of the canary's last run", "stage state", seen.stage_seconds)
    yield _gauge("canary_success_age_seconds", "Since the canary last got through", "", seen.success_age_seconds)
    yield _gauge("canary_left_behind", "Runs that are over and not cleaned up", "", {(): seen.left_behind})


def _unknown() -> HttpResponse:
    answer = HttpResponse("A bearer token is needed.\n", status=401, content_type="text/plain")
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def _gauge(name: str, meaning: str, labels: str, figures: Figures) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"portal_{name}", f"{meaning}.", labels=labels.split())
    for values, figure in figures.items():
        gauge.add_metric(values, figure)
    return gauge
