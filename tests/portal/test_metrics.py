"""/metrics: for who bears the token, in a constant number of queries."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Account, StripeEvent
from provisioning.clients.google import breaker
from provisioning.clients.google.calls import Call
from provisioning.health.ledger import LOCK, Ledger
from provisioning.models import (
    Alert,
    AlertRule,
    Hold,
    Instance,
    Leak,
    Notice,
    Operation,
    Outage,
    ProbeTally,
    Rollout,
    RolloutMember,
    RolloutPolicy,
    Survey,
    UptimeDay,
)

TOKEN = "figures, please"


@pytest.fixture
def scrape(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def scrape() -> dict[str, float]:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    return scrape


@pytest.fixture
def fleet(trial):
    """One trial with a waiting provisioning, drift, leaks and an unclear plan."""
    Instance.objects.filter(pk=trial.pk).update(status="running")
    hour_ago = timezone.now() - timedelta(hours=1)
    operation = Operation.objects.create(
        instance=trial, kind="upgrade", status="running", wanted={}, created_at=hour_ago
    )
    operation.steps.create(name="rollout", position=0, queue="helm", due_at=hour_ago)
    done = {"instance": trial, "kind": "repair", "wanted": {}, "previous": {}, "status": "done", "due_at": None}
    Survey.objects.create(purpose="drift", differing=3, unclear=1, **done)
    Leak.objects.create(kind="orphan", resource="//x/projects/p", source="projects")
    Leak.objects.create(kind="orphan", resource="//x/projects/q", source="projects", resolved_at=hour_ago)


@pytest.fixture
def rollout(fleet, trial) -> Rollout:
    """One that runs, with the trial as its member."""
    policy = RolloutPolicy.objects.create(name="all-at-once", title="All at once")
    rollout = Rollout.objects.create(
        release=trial.release, policy=policy, status="running", salt="s", most_at_once=1, longest_postponement_days=1
    )
    stage = rollout.stages.create(position=1, name="all")
    RolloutMember.objects.create(rollout=rollout, stage=stage, instance=trial, status="running", previous="1.0.0")
    Rollout.objects.create(
        architecture="9.9", policy=policy, status="succeeded", salt="s", most_at_once=1, longest_postponement_days=1
    )
    return rollout


@pytest.mark.django_db
def test_without_a_token_in_the_settings_there_is_no_such_page(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer schlüssel"])
def test_a_wrong_token_gets_nothing(client, settings, given):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": given})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_it_tells_what_is_worth_an_alert(scrape, fleet):
    figures = scrape()
    assert figures['portal_operations{kind="upgrade",status="running"}'] == 1
    assert figures['portal_operation_oldest_seconds{kind="upgrade",status="running"}'] == pytest.approx(3600, abs=30)
    assert figures['portal_instances{status="running"}'] == 1
    assert figures["portal_drifted_instances"] == 1
    assert figures["portal_drifting_things"] == 3
    assert figures['portal_unclear_surveys{purpose="drift"}'] == 1
    assert figures['portal_open_leaks{kind="orphan"}'] == 1
    assert figures['portal_open_leaks{kind="gone"}'] == 0
    assert figures['portal_step_lag_seconds{queue="helm"}'] == pytest.approx(3600, abs=30)
    assert figures["portal_survey_lag_seconds"] == 0


def test_it_tells_what_is_seen_from_outside(scrape, fleet, trial):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    ProbeTally.objects.create(instance=trial, hour=hour, probes=90, failed=2)
    ProbeTally.objects.create(instance=trial, hour=hour - timedelta(hours=1), probes=120, failed=120)
    Outage.objects.create(instance=trial, what="It answers 503.")
    figures = scrape()
    assert figures['portal_open_outages{kind="trial"}'] == 1
    assert figures['portal_open_outages{kind="production"}'] == 0
    assert figures["portal_probes_this_hour"] == 90
    assert figures["portal_failed_probes_this_hour"] == 2


def test_it_tells_whether_a_prober_works(scrape, db):
    figures = scrape()
    assert figures["portal_probers_at_work"] == 0
    assert "portal_prober_lag_seconds" not in figures
    ledger = Ledger()
    assert ledger.take_turn()
    figures = scrape()
    assert figures["portal_probers_at_work"] == 1
    assert 0 <= figures["portal_prober_lag_seconds"] < 5
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def test_it_tells_how_rollouts_stand(scrape, rollout, trial, ada):
    now = timezone.now()
    begun = now - timedelta(days=9)
    Hold.objects.create(instance=trial, reason="r", created_at=begun, until=now - timedelta(days=1), created_by=ada)
    figures = scrape()
    assert figures['portal_rollouts{status="running"}'] == 1
    assert figures['portal_rollouts{status="succeeded"}'] == 1
    assert figures['portal_rollouts{status="paused"}'] == 0
    assert figures[f'portal_rollout_members{{brings="{trial.release}",status="running"}}'] == 1
    assert figures["portal_overdue_holds"] == 1
    assert figures[f'portal_instances_by_version{{version="{trial.release}"}}'] == 1
    assert figures['portal_instances_by_channel{channel="stable"}'] == 1
    assert figures['portal_instances_by_channel{channel="insiders"}'] == 0


def test_a_larger_fleet_takes_no_more_queries(scrape, rollout, trial, ada, django_assert_num_queries):
    with django_assert_num_queries(32):
        scrape()
    for number in range(20):
        instance = Instance.objects.create(
            organization=trial.organization, slug=f"fleet-{number}", domain=f"{number}.example", kind="internal",
            size=trial.size, release=trial.release, admin_email=ada.email, created_by=ada,
        )  # fmt: skip
        Operation.objects.create(instance=instance, kind="provision", status="running", wanted={})
        Outage.objects.create(instance=instance, what="It answers 503.")
        RolloutMember.objects.create(rollout=rollout, stage=rollout.stages.get(), instance=instance, previous="1.0.0")
    with django_assert_num_queries(32):
        figures = scrape()
    assert figures['portal_operations{kind="provision",status="running"}'] == 20


def test_it_tells_how_reliable_the_fleet_is_and_what_is_not_sent(scrape, trial):
    Instance.objects.filter(pk=trial.pk).update(status="running")
    now = timezone.now()
    UptimeDay.objects.create(instance=trial, day=now.date(), watched_seconds=1_000, down_seconds=10)
    Notice.objects.create(channel="slack", kind="test", created_at=now - timedelta(minutes=10))
    rule = AlertRule.objects.get(pk="instance-down")
    Alert.objects.create(rule=rule, subject=trial.pk, instance=trial, sentence="Down.", opened_at=now)
    figures = scrape()
    assert figures["portal_uptime_month_share"] == pytest.approx(0.99)
    assert figures["portal_error_budget_left"] < 1
    assert figures['portal_error_budget_burn{hours="1"}'] == 0
    assert figures['portal_instances_by_health{state="unknown"}'] == 1  # nobody has looked inside
    assert figures['portal_instances_by_health{state="healthy"}'] == 0
    assert figures['portal_open_alerts{severity="page"}'] == 1
    assert figures['portal_open_alerts{severity="ticket"}'] == 0
    assert figures["portal_notice_lag_seconds"] == pytest.approx(600, abs=30)


def test_it_tells_how_long_things_take(scrape, trial):
    now = timezone.now()
    for seconds, minutes in ((30, 5), (90, 10), (9_000, 120)):
        ended = now - timedelta(minutes=minutes)
        begun = {"started_at": ended - timedelta(seconds=seconds), "finished_at": ended}
        operation = Operation.objects.create(instance=trial, kind="upgrade", status="succeeded", wanted={}, **begun)
        operation.steps.create(name="rollout", position=0, status="done", **begun)
    figures = scrape()
    assert figures['portal_operation_seconds{figure="mean",kind="upgrade"}'] == pytest.approx(60)
    assert figures['portal_step_seconds{figure="max",step="rollout"}'] == pytest.approx(90)
    assert figures['portal_operations_ended_last_hour{kind="upgrade",status="succeeded"}'] == 2


def test_it_counts_calls_to_google(scrape, db, settings):
    call = Call("compute", "compute.networks.get", is_read=True, subject="src-1")
    for failed in (False, False, True):
        breaker.count(call, failed=failed)
    figures = scrape()
    assert figures['portal_google_calls_last_minute{outcome="went",service="compute"}'] == 2
    assert figures['portal_google_calls_last_minute{outcome="failed",service="compute"}'] == 1


def test_it_tells_how_money_stands(scrape, trial, acme):
    now = timezone.now()
    StripeEvent.objects.create(
        id="evt_1", kind="invoice.paid", happened_at=now - timedelta(seconds=90), received_at=now
    )
    Account.objects.create(organization=acme, stripe_id="cus_1", due_at=now - timedelta(minutes=3), failures=2)
    figures = scrape()
    assert figures["portal_stripe_events_last_hour"] == 1
    assert figures["portal_stripe_event_lag_seconds"] == pytest.approx(90, abs=1)
    assert figures["portal_facts_lag_seconds"] == pytest.approx(180, abs=30)
    assert (figures["portal_facts_failing"], figures["portal_trials"]) == (1, 1)


@pytest.mark.parametrize("file", ["grafana/portal.json", "prometheus/rules.yml"])
def test_what_is_deployed_beside_it_knows_no_other_metrics(client, settings, file, db):
    settings.METRICS_TOKEN = TOKEN
    told = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    known = set(re.findall(r"^# TYPE (portal_\w+)", told, re.MULTILINE))
    text = Path(settings.BASE_DIR, "deploy", file).read_text()
    named = set(re.findall(r"\bportal_\w+", text))
    assert named
    assert named <= known


def test_the_dashboard_is_whole(settings):
    dashboard = json.loads(Path(settings.BASE_DIR, "deploy", "grafana", "portal.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["title"] and panel["targets"] for panel in panels)
