"""How old the copies in the other region are."""

from datetime import datetime
from typing import Final

from provisioning.clients.google import NotFound
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.backups import newest_backup
from provisioning.steps.capacity import newest_of, series_of

# One is for what has not arrived yet, the other for what has arrived and is not replayed yet; both in seconds. Source:
# cloud.google.com/sql/docs/postgres/replication/replication-lag, read December 2026.
LAGS: Final = tuple(f"cloudsql.googleapis.com/database/replication/{name}_lag" for name in ("network", "replica"))


def lag_seconds(spec: InstanceSpec) -> float | None:
    """How far the standby of the databases is behind; None where Cloud Monitoring does not know."""
    standby = f'resource.labels.database_id="{spec.id}:{names.standby_instance(spec)}"'
    found = [newest_of(series) for lag in LAGS for series in series_of(spec, f'metric.type="{lag}" AND {standby}')]
    return sum(found) if found else None


def volumes_copied_at(spec: InstanceSpec) -> datetime | None:
    """When the newest backup of the volumes in the other region was begun; None without one."""
    try:
        backup = newest_backup(names.standby_plan_path(spec))
    except NotFound:
        return None
    return datetime.fromisoformat(backup["createTime"]) if backup else None
