"""Drives operations in this process, as workers would, moving the clock from one due step to the next."""

from datetime import timedelta

from django.db.models import Min

from provisioning.engine import leases, worker
from provisioning.models import Operation, Step

QUEUES = ("steps", "helm")


def claimed(owner: str = "w", queue: str = "steps") -> leases.Claim:
    """Somebody holds the longest due step."""
    claim = leases.claim(queue, owner)
    assert claim is not None, "nothing is due"
    return claim


def due_soonest(operation: Operation):
    return operation.steps.aggregate(at=Min("due_at"))["at"]


def work_once() -> int:
    """Whatever is due now is worked on."""
    return sum(worker.drain(queue, "test-worker", for_seconds=3600) for queue in QUEUES)


def run_to_the_end(operation: Operation, clock, *, rounds: int = 500) -> Operation:
    """The operation has ended. `clock` is a time_machine traveller that does not tick."""
    for _ in range(rounds):
        work_once()
        operation.refresh_from_db()
        if not operation.is_live:
            return operation
        at = due_soonest(operation)
        assert at is not None, f"nothing is due, yet it is {operation.status}: {states(operation)}"
        clock.move_to(at + timedelta(milliseconds=1))
    raise AssertionError(f"not at an end after {rounds} rounds: {states(operation)}")


def states(operation: Operation) -> dict[str, str]:
    return dict(Step.objects.filter(operation=operation).values_list("name", "status"))
