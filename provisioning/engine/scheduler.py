"""Finds what is due and wakes workers for it: one indexed query a beat, however large the idle fleet."""

from collections import Counter
from datetime import timedelta

from portal.core import clock
from provisioning.engine.wake import wake
from provisioning.models import Step

AHEAD = timedelta(seconds=1)
WAKES_PER_BEAT = 50
DUE_PER_BEAT = 500


def tick() -> int:
    """Workers are woken for all that is due now or within the next beat; answers how many calls were sent."""
    now = clock.now()
    due = Step.objects.filter(due_at__lte=now + AHEAD).order_by("due_at").values_list("queue", "due_at")[:DUE_PER_BEAT]
    sent: Counter[str] = Counter()
    for queue, due_at in due:
        if due_at and sent[queue] < WAKES_PER_BEAT:
            sent[queue] += 1
            wake(queue, due_at if due_at > now else None)
    return sent.total()
