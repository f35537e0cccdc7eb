"""The database itself refuses what may never be: one illegal row for each constraint of the models."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from portal.core import clock
from portal.core.models import User
from provisioning.models import (
    Access,
    Alert,
    AlertRule,
    Cluster,
    CustomDomain,
    Health,
    Hold,
    Instance,
    Leak,
    Notice,
    Operation,
    Outage,
    PolicyStage,
    ProbeMinute,
    ProbeTally,
    Rehearsal,
    Release,
    Rollout,
    RolloutMember,
    RolloutPolicy,
    RolloutStage,
    Silence,
    Step,
    Survey,
    UptimeDay,
    Usage,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
HOUR = datetime(2026, 1, 1, 7, tzinfo=UTC)


def known() -> set[str]:
    models = apps.get_app_config("provisioning").get_models()
    return {constraint.name for model in models for constraint in model._meta.constraints}


def an_operation(instance: Instance, **fields) -> Operation:
    return Operation.objects.create(**{"instance": instance, "kind": "provision", "wanted": {}, **fields})


def a_step(instance: Instance, **fields) -> Step:
    operation = instance.operations.first() or an_operation(instance)
    return Step.objects.create(**{"operation": operation, "name": "ground", "position": 0, **fields})


def a_copy(instance: Instance, **fields) -> Instance:
    """Another instance of the same organization, alike but for its names and these fields."""
    own = {field.attname: getattr(instance, field.attname) for field in Instance._meta.fields}
    return Instance.objects.create(**{**own, "id": f"src-{own['slug']}-2", "slug": "new", "domain": "new", **fields})


def a_trial(instance: Instance, **fields) -> Instance:
    return a_copy(instance, **{"kind": "trial", "trial_ends_at": clock.now(), **fields})


def a_survey(instance: Instance, **fields) -> Survey:
    own = {"instance": instance, "purpose": "plan", "kind": "provision", "wanted": {}, "previous": {}}
    return Survey.objects.create(**{**own, **fields})


def a_leak(**fields) -> Leak:
    return Leak.objects.create(**{"kind": "orphan", "resource": "//bucket", "source": "buckets", **fields})


def a_cluster(instance: Instance) -> Cluster:
    return Cluster.objects.create(
        name="brought",
        organization=instance.organization,
        server="https://brought.example",
        kubeconfig_encrypted=b"",
        created_by=instance.created_by,
    )


def a_release(version: str, **fields) -> Release:
    return Release.objects.create(**{"app_version": version, "chart_version": "9", "kind": "minor", **fields})


def a_rollout(release: Release | None = None, **fields) -> Rollout:
    policy, _ = RolloutPolicy.objects.get_or_create(name="any")
    terms = {"policy": policy, "architecture": "" if release else "1.1", "longest_postponement_days": 1}
    return Rollout.objects.create(**{"release": release, "most_at_once": 1, **terms, **fields})


def a_stage(rollout: Rollout, **fields) -> RolloutStage:
    return RolloutStage.objects.create(**{"rollout": rollout, "position": 1, **fields})


def a_member(instance: Instance, stage: RolloutStage, **fields) -> RolloutMember:
    return RolloutMember.objects.create(**{"rollout": stage.rollout, "stage": stage, "instance": instance, **fields})


def a_policy_stage() -> PolicyStage:
    policy, _ = RolloutPolicy.objects.get_or_create(name="any")
    return PolicyStage.objects.create(policy=policy, position=1)


def twice(write):
    return lambda instance: [write(instance) for _ in range(2)]


def a_place(instance: Instance, **fields) -> RolloutMember:
    rollout = Rollout.objects.first() or a_rollout()
    return a_member(instance, rollout.stages.first() or a_stage(rollout), **fields)


def a_rehearsal(instance: Instance, **fields) -> Rehearsal:
    rollout = Rollout.objects.first() or a_rollout()
    return Rehearsal.objects.create(**{"rollout": rollout, "instance": instance, **fields})


def a_hold(instance: Instance, **fields) -> Hold:
    return Hold.objects.create(**{"instance": instance, "until": clock.now() + DAY, **fields})


def an_outage(instance: Instance, **fields) -> Outage:
    return Outage.objects.create(instance=instance, **fields)


def a_rule() -> AlertRule:
    return AlertRule.objects.get_or_create(key="any", defaults={"severity": "page", "threshold": 1})[0]


def an_alert(instance: Instance, **fields) -> Alert:
    return Alert.objects.create(**{"rule": a_rule(), "subject": instance.pk, "sentence": "It is down.", **fields})


def a_silence(instance: Instance, **fields) -> Silence:
    by = instance.created_by
    return Silence.objects.create(**{"instance": instance, "until": clock.now() + DAY, "created_by": by, **fields})


def an_access(instance: Instance, **fields) -> Access:
    return Access.objects.create(**{"instance": instance, "asked_by": instance.created_by, "minutes": 60, **fields})


def a_granted_access(instance: Instance, **fields) -> Access:
    other = User.objects.get_or_create(email="other@portal.example")[0]
    terms = {"state": "granted", "decided_by": other, "decided_at": HOUR, "ends_at": HOUR + DAY / 24}
    return an_access(instance, **{**terms, **fields})


def a_minute(instance: Instance, **fields) -> ProbeMinute:
    return ProbeMinute.objects.create(instance=instance, minute=HOUR, **fields)


def an_uptime_day(instance: Instance, **fields) -> UptimeDay:
    return UptimeDay.objects.create(instance=instance, day=HOUR.date(), watched_seconds=86_400, **fields)


def a_tally(instance: Instance, **fields) -> ProbeTally:
    return ProbeTally.objects.create(**{"instance": instance, "hour": HOUR, **fields})


def a_name(instance: Instance, **fields) -> CustomDomain:
    return CustomDomain.objects.create(**{"name": "code.acme.com", "instance": instance, **fields})


def a_count(instance: Instance) -> Usage:
    return Usage.objects.create(instance=instance, day=HOUR.date(), figures={"seats": 1})


ILLEGAL = {
    "one_active_operation_each": lambda i: [an_operation(i, status=status) for status in ("running", "undoing")],
    "one_queued_operation_each": lambda i: [an_operation(i), an_operation(i)],
    "operation_status_is_known": lambda i: an_operation(i, status="asleep"),
    "operation_kind_is_known": lambda i: an_operation(i, kind="paint"),
    "one_step_of_a_name": lambda i: [a_step(i), a_step(i, position=1)],
    "step_status_is_known": lambda i: a_step(i, status="asleep"),
    "settled_steps_are_not_due": lambda i: a_step(i, status="skipped", due_at=clock.now()),
    "instance_status_is_known": lambda i: a_copy(i, status="asleep"),
    "slug_is_unique_while_it_lives": lambda i: a_copy(i, slug=i.slug),
    "domain_is_unique_while_it_lives": lambda i: a_copy(i, domain=i.domain),
    "one_live_trial_per_organization": lambda i: [a_trial(i), a_trial(i, id="src-3", slug="newer", domain="newer")],
    "who_is_suspended_knows_why": lambda i: a_copy(i, status="suspended", suspended_at=clock.now()),
    "suspension_notice_is_known": lambda i: a_copy(i, suspended_because="boredom"),
    "connection_status_is_known": lambda i: a_copy(i, connection_status="MAYBE"),
    "a_region_is_lost_by_a_takeover": lambda i: a_copy(i, lost_region="us-central1"),
    "a_trial_has_an_end": lambda i: a_trial(i, trial_ends_at=None),
    "byok_has_a_cluster": lambda i: a_copy(i, tenancy="byok"),
    "release_kind_is_known": lambda i: Release.objects.create(app_version="9", chart_version="9", kind="odd"),
    "one_drift_survey_each": lambda i: [a_survey(i, purpose="drift") for _ in range(2)],
    "a_running_survey_is_due": lambda i: a_survey(i, due_at=None),
    "survey_purpose_is_known": lambda i: a_survey(i, purpose="fun"),
    "a_leak_is_open_once": lambda i: [a_leak(), a_leak()],
    "leak_kind_is_known": lambda i: a_leak(kind="odd"),
    "release_status_is_known": lambda i: a_release("9", status="odd"),
    "what_is_published_has_a_chart": lambda i: a_release("9", status="published"),
    "maintenance_window_is_of_a_week": lambda i: a_copy(i, maintenance_weekday=7),
    "one_policy_stage_a_position": twice(lambda i: a_policy_stage()),
    "a_rollout_brings_one_thing": lambda i: a_rollout(architecture=""),
    "rollout_status_is_known": lambda i: a_rollout(status="asleep"),
    "one_rollout_of_a_sort_at_once": lambda i: [a_rollout(status=status) for status in ("running", "paused")],
    "one_rollout_stage_a_position": lambda i: [a_stage(one) for one in [a_rollout()] * 2],
    "rollout_stage_status_is_known": lambda i: a_stage(a_rollout(), status="asleep"),
    "one_place_in_a_rollout": twice(a_place),
    "rollout_member_status_is_known": lambda i: a_place(i, status="asleep"),
    "one_rehearsal_each": twice(a_rehearsal),
    "rehearsal_status_is_known": lambda i: a_rehearsal(i, status="asleep"),
    "one_hold_each": twice(a_hold),
    "a_hold_ends_in_the_future": lambda i: a_hold(i, until=clock.now() - DAY),
    "alert_severity_is_known": lambda i: AlertRule.objects.filter(pk=a_rule().pk).update(severity="loud"),
    "alert_healing_is_known": lambda i: AlertRule.objects.filter(pk=a_rule().pk).update(heals_by="magic"),
    "inside_it_is_neither_down_nor_suspended": lambda i: Health.objects.create(instance=i, state="down"),
    "what_is_degraded_has_a_reason": lambda i: Health.objects.create(instance=i, state="degraded"),
    "a_lag_was_seen_at_some_time": lambda i: Health.objects.create(instance=i, standby_lag_seconds=2.0),
    "one_alert_of_a_kind_at_a_time": twice(an_alert),
    "nothing_comes_of_what_is_not_open": lambda i: an_alert(i, told_at=clock.now()),
    "a_silence_is_of_something": lambda i: [a_silence(i), Silence.objects.update(instance=None)],
    "a_silence_ends_after_it_begins": lambda i: a_silence(i, until=clock.now() - DAY),
    "notice_channel_is_known": lambda i: Notice.objects.create(channel="drum", kind="test"),
    "notice_kind_is_known": lambda i: Notice.objects.create(channel="slack", kind="rumour"),
    "one_open_outage_each": twice(an_outage),
    "an_outage_ends_after_it_began": lambda i: an_outage(i, ended_at=clock.now() - DAY),
    "one_tally_an_hour": twice(a_tally),
    "no_more_failed_than_probed": lambda i: a_tally(i, probes=1, failed=2),
    "an_hour_has_sixty_minutes": lambda i: a_tally(i, minutes=61),
    "no_more_failed_in_a_minute": lambda i: a_minute(i, probes=1, failed=2),
    "no_more_planned_than_down": lambda i: an_uptime_day(i, down_seconds=1, planned_seconds=2),
    "one_count_a_day": twice(a_count),
    "custom_domain_state_is_known": lambda i: a_name(i, state="odd"),
    "what_leads_here_has_led_here": lambda i: a_name(i, state="here"),
    "what_leads_here_is_not_lost": lambda i: a_name(i, state="here", proved_at=HOUR, lost_at=HOUR),
    "access_state_is_known": lambda i: an_access(i, state="open"),
    "an_access_is_short": lambda i: an_access(i, minutes=241),
    "a_granted_access_has_an_end": lambda i: a_granted_access(i, ends_at=None),
    "an_access_ends_soon": lambda i: a_granted_access(i, ends_at=HOUR + DAY),
    "nobody_agrees_with_themselves": lambda i: a_granted_access(i, decided_by=i.created_by),
    "one_open_access_each": lambda i: [a_granted_access(i), an_access(i)],
}
ALSO_ILLEGAL = [
    ("a_granted_access_has_an_end", lambda i: a_granted_access(i, decided_by=None)),
    ("a_granted_access_has_an_end", lambda i: a_granted_access(i, state="ended", ends_at=None)),
    ("an_access_is_short", lambda i: an_access(i, minutes=4)),
    ("one_open_access_each", twice(an_access)),
    ("one_active_operation_each", lambda i: [an_operation(i, status="undoing") for _ in range(2)]),
    ("settled_steps_are_not_due", lambda i: a_step(i, status="undone", due_at=clock.now())),
    ("byok_has_a_cluster", lambda i: a_copy(i, cluster_id=a_cluster(i).pk)),
    ("a_running_survey_is_due", lambda i: a_survey(i, status="done", due_at=clock.now())),
    ("maintenance_window_is_of_a_week", lambda i: a_copy(i, maintenance_hour=24)),
    ("a_rollout_brings_one_thing", lambda i: a_rollout(a_release("9"), architecture="1.1")),
    ("one_rollout_of_a_sort_at_once", lambda i: [a_rollout(a_release(v), status="rolling-back") for v in "89"]),
]
LEGAL = {
    "an ended operation beside an active and a queued one": lambda i: [
        an_operation(i, status=status) for status in ("succeeded", "failed", "running", "queued")
    ],
    "the name of a deleted instance": lambda i: [a_copy(i, status="deleted", slug=i.slug, domain=i.domain)],
    "a trial after a deleted one": lambda i: [
        a_trial(i, status="deleted"),
        a_trial(i, id="src-3", slug="newer", domain="newer"),
    ],
    "a leak that was resolved, and is back": lambda i: [a_leak(resolved_at=clock.now()), a_leak()],
    "a rollout of a release beside one of an architecture": lambda i: [
        a_rollout(status="running"),
        a_rollout(a_release("9"), status="running"),
    ],
    "a draft beside a rollout": lambda i: [a_rollout(status="running"), a_rollout()],
    "a hold after one that has ended": lambda i: [a_hold(i, ended_at=clock.now()), a_hold(i)],
    "an outage after one that is over": lambda i: [an_outage(i, ended_at=clock.now() + DAY), an_outage(i)],
    "an access after one that is over": lambda i: [a_granted_access(i, state="ended"), an_access(i)],
    "a plan beside a drift survey": lambda i: [a_survey(i), a_survey(i), a_survey(i, purpose="drift")],
}


def test_each_constraint_has_an_illegal_row():
    assert ILLEGAL.keys() == known()


@pytest.mark.parametrize(("name", "write"), [*ILLEGAL.items(), *ALSO_ILLEGAL])
def test_the_database_refuses(name, write, instance):
    with pytest.raises(IntegrityError, match=f'"{name}"'), transaction.atomic():
        write(instance)


@pytest.mark.parametrize("write", LEGAL.values(), ids=LEGAL)
def test_the_database_allows(write, instance):
    write(instance)
