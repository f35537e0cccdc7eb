"""Final backups: for whom one can be made when an instance is deleted, for whom it usually is, and what was kept."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from provisioning.models import BUILT, Instance, Kind, Operation, OperationKind, Step, StepStatus, Tenancy

STEP = "final-backup"  # of a teardown
ASKED = "final_backup"  # of a teardown's inputs: whether there is to be one
KEPT_DAYS = 30


@dataclass(frozen=True)
class FinalBackup:
    """Where the databases of a deleted instance lie, how many bytes, of when, and until when."""

    uri: str
    bytes: int
    taken_at: datetime
    kept_until: datetime


def are_kept() -> bool:
    """Whether there is a place for them."""
    return bool(settings.GOOGLE_BACKUP_BUCKET)


def has_something_to_keep(instance: Instance) -> bool:
    """Whether there are databases of ours: it has been built, and not on a cluster that somebody brings."""
    return instance.tenancy == Tenancy.DEDICATED and instance.status in BUILT


def is_offered(instance: Instance) -> bool:
    """Whether who deletes it is asked."""
    return are_kept() and has_something_to_keep(instance)


def is_usual(instance: Instance) -> bool:
    """Whether one is made where nobody says so or otherwise."""
    return instance.kind == Kind.PRODUCTION


def has_removed_nothing(teardown: Operation) -> bool:
    """Whether it has not got beyond the final backup."""
    return not teardown.steps.exclude(name=STEP).filter(started_at__isnull=False).exists()


def final_backup_of(instance: Instance) -> FinalBackup | None:
    """The newest that a teardown of it has made. It may be gone by now."""
    steps = Step.objects.filter(
        operation__instance=instance,
        operation__kind=OperationKind.TEARDOWN,
        name=STEP,
        status=StepStatus.DONE,
        outputs__has_key="uri",
    )
    made = steps.order_by("-finished_at").first()
    if made is None:
        return None
    says = made.outputs
    taken_at, kept_until = (datetime.fromisoformat(says[name]) for name in ("taken_at", "kept_until"))
    return FinalBackup(says["uri"], says["bytes"], taken_at, kept_until)
