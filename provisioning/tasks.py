"""The tasks of provisioning. None carries state in its arguments; each may run twice or never.

Which queue a task goes to is said by who sends it: the schedule in the settings, or a service.
"""

import os
import socket

from celery import shared_task

from provisioning.engine import scheduler, worker
from provisioning.health import rollups
from provisioning.services import access, alerts, connections, domains, holds, leaks, notices, rollouts, rounds, surveys
from provisioning.services.sending import send


@shared_task(name="provisioning.tasks.work")
def work(queue: str) -> None:
    """Due steps of the queue are worked on for a few seconds."""
    worker.drain(queue, f"{socket.gethostname()}:{os.getpid()}")


@shared_task(name="provisioning.tasks.tick")
def tick() -> None:
    """Workers are woken for what is due."""
    scheduler.tick()


@shared_task(name="provisioning.tasks.move_rollouts")
def move_rollouts() -> None:
    """Every rollout has moved on as far as it may."""
    rollouts.rollouts_tick()


@shared_task(name="provisioning.tasks.complete_rollouts")
def complete_rollouts() -> None:
    """Whoever the newest rollouts are for by now has a place in them."""
    rollouts.rollouts_complete()


@shared_task(name="provisioning.tasks.report_holds")
def report_holds() -> None:
    """Holds that are past their day have been told of."""
    holds.holds_report()


@shared_task(name="provisioning.tasks.settle_accesses")
def settle_accesses() -> None:
    """What time has ended of the access to instances, or made lapse, is written down. It was over before."""
    access.accesses_settle()


@shared_task(name="provisioning.tasks.look")
def look() -> None:
    """Due surveys have gone on for about two seconds."""
    surveys.surveys_go_on()


@shared_task(name="provisioning.tasks.wake_surveys")
def wake_surveys() -> None:
    """Workers are woken for surveys that are due."""
    surveys.surveys_wake()


@shared_task(name="provisioning.tasks.spread_drift_checks")
def spread_drift_checks() -> None:
    """Every running instance has its drift check within a day; what surveys of the past say is forgotten."""
    surveys.drift_checks_spread()
    surveys.surveys_forget()


@shared_task(name="provisioning.tasks.look_inside")
def look_inside() -> None:
    """Instances that are due have been looked at inside for about two seconds."""
    rounds.health_go_on()


@shared_task(name="provisioning.tasks.wake_health")
def wake_health() -> None:
    """Workers are woken for instances that are to be looked at inside."""
    rounds.health_wake()


@shared_task(name="provisioning.tasks.complete_health")
def complete_health() -> None:
    """Every running instance has its turn in the round."""
    rounds.health_complete()


@shared_task(name="provisioning.tasks.forget_tallies")
def forget_tallies() -> None:
    """How often instances were looked at is known for as long as it says anything."""
    rollups.rollups_forget()


@shared_task(name="provisioning.tasks.look_for_alerts")
def look_for_alerts() -> None:
    """What the rules find has been opened, told of, healed and resolved."""
    alerts.alerts_look()


@shared_task(name="provisioning.tasks.send_notices")
def send_notices() -> None:
    """Notices that are due have been sent. Where many are, the next call goes on."""
    if notices.notices_go_on() == notices.MOST_AT_ONCE:
        send(notices.GO_ON)


@shared_task(name="provisioning.tasks.roll_up_uptime")
def roll_up_uptime() -> None:
    """How instances do today, and did yesterday, is summed up."""
    rollups.days_roll_up()


@shared_task(name="provisioning.tasks.refresh_connections")
def refresh_connections() -> None:
    """Every private connection is looked at, each by a task of its own."""
    connections.connections_send_all()


@shared_task(name="provisioning.tasks.refresh_connection")
def refresh_connection(instance_id: str) -> None:
    """It is known how the other side has answered to the instance's private connection."""
    connections.connection_refresh(instance_id)


@shared_task(name="provisioning.tasks.look_up_domains")
def look_up_domains() -> None:
    """It is known where names of customers' own lead that were due."""
    domains.domains_go_on()


@shared_task(name="provisioning.tasks.check_leaks")
def check_leaks() -> None:
    """Every listing is looked through for leaks, each by a task of its own."""
    leaks.leaks_send_all()


@shared_task(name="provisioning.tasks.list_source")
def list_source(source: str, tries: int = 1) -> None:
    """The leaks of one source are as it lists them now."""
    leaks.leaks_look_for(source, tries)
