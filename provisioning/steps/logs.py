"""How long the project's logs are kept: Cloud Logging's bucket that every project has."""

from typing import Any

from provisioning.clients.google import api, execute
from provisioning.engine.action import AsWanted, Change, Context, Differs, Seen, UnderWay
from provisioning.fleet.features import LOG_RETENTION
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

USUAL_DAYS, EXTENDED_DAYS = 30, 365
FIELD = "retentionDays"


class LogRetention(GoogleAction):
    """Retention of logs

    The application writes its audit log to where Google collects it. Kept shorter, what is older is gone at once.
    """

    def see(self, context: Context) -> Seen:
        found = execute(_buckets().get(name=names.log_bucket_path(context.spec)))
        if found.get("lifecycleState") == "UPDATING":
            return UnderWay("Google to change how long logs are kept")
        days = found.get(FIELD, USUAL_DAYS)
        wanted = _days(context)
        return AsWanted() if days == wanted else Differs.in_settings([Change(FIELD, wanted, days)])

    def create(self, context: Context) -> str:
        days = _days(context)
        execute(_buckets().patch(name=names.log_bucket_path(context.spec), updateMask=FIELD, body={FIELD: days}))
        return f"asked Google to keep logs for {days} days"

    def resource(self, context: Context) -> str:
        return f"//logging.googleapis.com/{names.log_bucket_path(context.spec)}"


def _days(context: Context) -> int:
    return EXTENDED_DAYS if context.spec.has_part(LOG_RETENTION) else USUAL_DAYS


def _buckets() -> Any:
    return api("logging", "v2").projects().locations().buckets()
