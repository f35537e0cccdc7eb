"""The schedule and the tasks: names that fit, and tasks that may be called at any time."""

import pytest
from django.conf import settings

from portal.celery import app
from provisioning import tasks
from provisioning.services import leaks, surveys
from provisioning.services.rollouts.states import TICK

OURS = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"].startswith("provisioning.")]


@pytest.mark.parametrize("entry", OURS, ids=[entry["task"] for entry in OURS])
def test_each_beat_calls_a_task_that_there_is_on_a_queue_that_is_served(entry):
    assert entry["task"] in app.tasks
    assert entry["options"]["queue"] in settings.CELERY_TASK_QUEUES


@pytest.mark.parametrize("name", [surveys.LOOK, leaks.LIST, TICK])
def test_what_services_call_is_a_task(name):
    assert name in app.tasks


@pytest.mark.django_db
def test_tasks_of_an_empty_fleet_do_nothing(monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda _app, name, **_options: sent.append(name))
    fleet = (tasks.move_rollouts, tasks.complete_rollouts, tasks.report_holds)
    for task in (tasks.look, tasks.wake_surveys, tasks.spread_drift_checks, *fleet):
        task()
    assert sent == []
    tasks.check_leaks()
    assert sent == [leaks.LIST] * 2, "the projects and the zone"
