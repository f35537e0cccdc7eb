"""Made-up things for the style guide, so that every state of every part can be seen at once."""

from dataclasses import replace
from datetime import timedelta

from portal.core import clock
from portal.web.seen import Seen
from portal.web.standing import BUSY, DELETED, NEEDS_ATTENTION, RUNNING, STOPPED, SUSPENDED, Standing
from portal.web.telling import Story, tell
from portal.web.trend import Trend, draw_trend
from provisioning.models import Instance, Operation, OperationKind, OperationStatus
from provisioning.selectors import Lane, Progress, StepView

STANDINGS: tuple[Standing, ...] = (RUNNING, *BUSY.values(), NEEDS_ATTENTION, SUSPENDED, STOPPED, DELETED)
INSTANCE = Instance(slug="acme", domain="acme.example", admin_email="alice@acme.example", status="running")
TONES = ("good", "busy", "warn", "bad")
SEEN = (Seen(312, 0, 0, is_live=False), Seen(1_204, 3, 14, is_live=False), Seen(7, 0, 0, is_live=True))
TITLES = {
    "project": "A project of its own",
    "network": "The private network",
    "cluster": "The Kubernetes cluster",
    "database": "The database",
    "secrets": "Passwords in the secret store",
    "application": "The application itself",
    "address": "The address and its name",
}
# name, needs, status, what it waits for, seconds so far, seconds expected, on the longest path, lane, column
STEPS = (
    ("project", (), "done", "", 34, 40, True, 0, 0),
    ("network", ("project",), "done", "", 95, 90, True, 0, 1),
    ("database", ("network",), "waiting", "Google to create the database", 252, 540, True, 0, 2),
    ("cluster", ("network",), "running", "", 252, 420, False, 1, 2),
    ("address", ("project",), "failed", "", 12, 30, False, 2, 1),
    ("secrets", ("database",), "pending", "", 0, 20, True, 0, 3),
    ("application", ("secrets", "cluster", "address"), "pending", "", 0, 180, True, 0, 4),
)


def sample_trend() -> Trend | None:
    """A month of a figure that has outgrown its limit."""
    today = clock.now().date()
    counts = [(today - timedelta(days=29 - day), 14 + day * 17 // 29) for day in range(30)]
    return draw_trend("Accounts", counts, today, limit=25)


def sample_story() -> Story:
    """An operation in the middle of its work, with a step in each state."""
    steps = [
        StepView(name, TITLES[name], status, needs, waiting_for, "", elapsed, expected, is_longest, lane, column)
        for name, needs, status, waiting_for, elapsed, expected, is_longest, lane, column in STEPS
    ]
    now = clock.now()
    operation = Operation(
        kind=OperationKind.PROVISION, status=OperationStatus.RUNNING, started_at=now - timedelta(seconds=381)
    )
    return tell(Progress(operation, (Lane(tuple(steps)),), 381, 488, now))


def sample_ending() -> Story:
    """The same at its good end."""
    story = sample_story()
    done = [replace(step, status="done", elapsed_seconds=step.expected_seconds) for step in story.progress.steps]
    operation = Operation(kind=OperationKind.PROVISION, status=OperationStatus.SUCCEEDED)
    return tell(replace(story.progress, operation=operation, lanes=(Lane(tuple(done)),), remaining_seconds=0))
