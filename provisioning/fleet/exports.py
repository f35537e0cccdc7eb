"""What of an instance's databases lies in the bucket: exports that its people asked for, and its final backup."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from portal.core import clock
from provisioning.fleet.final_backups import STEP as FINAL_BACKUP
from provisioning.models import Instance, OperationKind, Step, StepStatus

STEP: Final = "export"  # of an export


@dataclass(frozen=True)
class Export:
    """Databases of one moment, each a file below `uri` (gs://BUCKET/FOLDER/); `key` is the operation's id."""

    key: str
    uri: str
    bytes: int
    taken_at: datetime
    kept_until: datetime
    databases: tuple[str, ...]
    is_final_backup: bool

    def place_of(self, database: str) -> tuple[str, str]:
        """Bucket and object of a database's file."""
        bucket, _, folder = self.uri.removeprefix("gs://").partition("/")
        return bucket, f"{folder}{database}.sql.gz"


def exports_of(instance: Instance) -> list[Export]:
    """What is kept at this moment, the newest first. One query."""
    steps = Step.objects.filter(
        operation__instance=instance,
        operation__kind__in=[OperationKind.EXPORT, OperationKind.TEARDOWN],
        name__in=[STEP, FINAL_BACKUP],
        status=StepStatus.DONE,
        outputs__has_key="uri",
    )
    now = clock.now()
    found = [_export(step.operation_id, step.name, step.outputs) for step in steps.order_by("-finished_at")]
    return [export for export in found if export.kept_until > now]


def _export(key: str, step: str, says: dict[str, Any]) -> Export:
    taken_at, kept_until = (datetime.fromisoformat(says[name]) for name in ("taken_at", "kept_until"))
    files = tuple(says.get("databases", ()))
    return Export(key, says["uri"], says["bytes"], taken_at, kept_until, files, step == FINAL_BACKUP)
