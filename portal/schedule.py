"""What beat calls, how often, and in which queue. A call carries no work: a lost one costs a beat, or a day's look."""

from typing import Any, Final

from celery.schedules import crontab, schedule

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "wake-due-steps": {
        "task": "provisioning.tasks.tick",
        "schedule": schedule(1.0),
        "options": {"queue": "beat", "expires": 5},
    },
    "send-due-mail": {
        "task": "portal.core.tasks.send_due_mail",
        "schedule": schedule(15.0),
        "options": {"queue": "mail", "expires": 15},
    },
    "seal-audit": {
        "task": "portal.core.tasks.seal_audit",
        "schedule": schedule(10.0),
        "options": {"queue": "beat", "expires": 10},
    },
    "verify-audit": {
        "task": "portal.core.tasks.verify_audit",
        "schedule": crontab(hour="2", minute="20"),
        "options": {"queue": "steps", "expires": 3_600},
    },
    "wake-due-surveys": {
        "task": "provisioning.tasks.wake_surveys",
        "schedule": schedule(5.0),
        "options": {"queue": "beat", "expires": 5},
    },
    "spread-drift-checks": {
        "task": "provisioning.tasks.spread_drift_checks",
        "schedule": schedule(3_600.0),  # harmless when repeated, so that a day is not lost to a beat that was down
        "options": {"queue": "beat", "expires": 600},
    },
    "complete-rollouts": {
        "task": "provisioning.tasks.complete_rollouts",
        "schedule": schedule(3_600.0),
        "options": {"queue": "beat", "expires": 600},
    },
    "refresh-connections": {
        "task": "provisioning.tasks.refresh_connections",
        "schedule": schedule(900.0),
        "options": {"queue": "beat", "expires": 600},
    },
    # Who tells a name calls a worker, too.
    "look-up-domains": {
        "task": "provisioning.tasks.look_up_domains",
        "schedule": schedule(15.0),
        "options": {"queue": "steps", "expires": 15},
    },
    "report-holds": {
        "task": "provisioning.tasks.report_holds",
        "schedule": schedule(3_600.0),
        "options": {"queue": "beat", "expires": 600},
    },
    # Nobody looks a second longer for it: what time says goes before what is written.
    "settle-accesses": {
        "task": "provisioning.tasks.settle_accesses",
        "schedule": schedule(3_600.0),
        "options": {"queue": "beat", "expires": 600},
    },
    "look-inside": {
        "task": "provisioning.tasks.wake_health",
        "schedule": schedule(5.0),
        "options": {"queue": "beat", "expires": 5},
    },
    "complete-health": {
        "task": "provisioning.tasks.complete_health",
        "schedule": schedule(3_600.0),
        "options": {"queue": "beat", "expires": 600},
    },
    "forget-tallies": {
        "task": "provisioning.tasks.forget_tallies",
        "schedule": schedule(3_600.0),
        "options": {"queue": "beat", "expires": 3_600},
    },
    "look-for-alerts": {
        "task": "provisioning.tasks.look_for_alerts",
        "schedule": schedule(30.0),
        "options": {"queue": "beat", "expires": 30},
    },
    # Whoever queues a notice calls a worker, too: this is for calls that were lost, and for what is tried again.
    "send-notices": {
        "task": "provisioning.tasks.send_notices",
        "schedule": schedule(15.0),
        "options": {"queue": "mail", "expires": 15},
    },
    "roll-up-uptime": {
        "task": "provisioning.tasks.roll_up_uptime",
        "schedule": schedule(600.0),  # harmless when repeated, so that a day is not lost to a beat that was down
        "options": {"queue": "steps", "expires": 600},
    },
    "sync-prices": {
        "task": "billing.tasks.sync_prices",
        "schedule": crontab(hour="5", minute="10"),
        "options": {"queue": "beat", "expires": 3_600},
    },
    # An hour after the prices, and late enough for most of what Google tells of the day before.
    "sync-costs": {
        "task": "billing.tasks.sync_costs",
        "schedule": crontab(hour="6", minute="10"),
        "options": {"queue": "beat", "expires": 3_600},
    },
    "go-on-with-upkeep": {
        "task": "billing.tasks.go_on_with_upkeep",
        "schedule": schedule(5.0),
        "options": {"queue": "steps", "expires": 5},
    },
    "complete-upkeep": {
        "task": "billing.tasks.complete_upkeep",
        "schedule": schedule(3_600.0),
        "options": {"queue": "beat", "expires": 600},
    },
    "propose-credits": {
        "task": "billing.tasks.propose_credits",
        "schedule": crontab(hour="6", minute="40"),
        "options": {"queue": "beat", "expires": 3_600},
    },
    # Whoever approves one calls a worker, too: this is for calls that were lost, and for what is tried again.
    "give-credits": {
        "task": "billing.tasks.give_credits",
        "schedule": schedule(300.0),
        "options": {"queue": "steps", "expires": 300},
    },
    "reconcile-accounts": {
        "task": "billing.tasks.reconcile_accounts",
        "schedule": crontab(hour="5", minute="40"),
        "options": {"queue": "beat", "expires": 3_600},
    },
    # Events call a worker, too: this is for calls that were lost, and for what is tried again.
    "fetch-facts": {
        "task": "billing.tasks.fetch_facts",
        "schedule": schedule(5.0),
        "options": {"queue": "steps", "expires": 5},
    },
    # Whatever makes room for a trial calls a worker, too: this is for calls that were lost, and for conversions.
    "drain-waiting-list": {
        "task": "billing.tasks.drain_waiting_list",
        "schedule": schedule(300.0),
        "options": {"queue": "steps", "expires": 300},
    },
    # Whoever asks for a sync calls a worker, too: this is for calls that were lost, and for workers that died.
    "go-on-with-syncs": {
        "task": "billing.tasks.go_on_with_syncs",
        "schedule": schedule(60.0),
        "options": {"queue": "steps", "expires": 60},
    },
    "reckon-fleet": {
        "task": "billing.tasks.reckon_fleet",
        "schedule": schedule(300.0),
        "options": {"queue": "steps", "expires": 300},
    },
    "begin-canary": {
        "task": "portal.canary.tasks.begin",
        "schedule": schedule(60.0),
        "options": {"queue": "beat", "expires": 60},
    },
    "go-on-with-canary": {
        "task": "portal.canary.tasks.go_on",
        "schedule": schedule(5.0),
        "options": {"queue": "steps", "expires": 5},
    },
    "check-leaks": {
        "task": "provisioning.tasks.check_leaks",
        "schedule": crontab(hour="4", minute="30"),
        "options": {"queue": "beat", "expires": 3_600},
    },
}
