"""The database itself refuses what may never be: one illegal row for each constraint of the models."""

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from portal.core import clock
from provisioning.models import Cluster, Instance, Leak, Operation, Release, Step, Survey

pytestmark = pytest.mark.django_db


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
    "a_trial_has_an_end": lambda i: a_trial(i, trial_ends_at=None),
    "byok_has_a_cluster": lambda i: a_copy(i, tenancy="byok"),
    "release_kind_is_known": lambda i: Release.objects.create(app_version="9", chart_version="9", kind="odd"),
    "one_drift_survey_each": lambda i: [a_survey(i, purpose="drift") for _ in range(2)],
    "a_running_survey_is_due": lambda i: a_survey(i, due_at=None),
    "survey_purpose_is_known": lambda i: a_survey(i, purpose="fun"),
    "a_leak_is_open_once": lambda i: [a_leak(), a_leak()],
    "leak_kind_is_known": lambda i: a_leak(kind="odd"),
}
ALSO_ILLEGAL = [
    ("one_active_operation_each", lambda i: [an_operation(i, status="undoing") for _ in range(2)]),
    ("settled_steps_are_not_due", lambda i: a_step(i, status="undone", due_at=clock.now())),
    ("byok_has_a_cluster", lambda i: a_copy(i, cluster_id=a_cluster(i).pk)),
    ("a_running_survey_is_due", lambda i: a_survey(i, status="done", due_at=clock.now())),
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
