"""Rollback: the version before, on the databases as they are.

For a release that runs and yet is not wanted. It does not have to answer for that. When anything fails, the newer
version is applied again.
"""

from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Operation, OperationKind
from provisioning.steps import application, outside, preflight, release, rollout
from provisioning.workflows.table import has_release, interrupting, line

SOON, SHORT, LONG = minutes(1), minutes(20), minutes(45)
NOTHING = Undo.NOTHING  # it only watches
REVERT = Undo.REVERT


# fmt: off
NODES = interrupting((
    line("preflight", "", outside.Glance(), NOTHING, seconds(2), SOON),
    line("point-of-return", "preflight", preflight.PointOfReturn(), REVERT, seconds(2), LONG),
    line("application", "point-of-return", release.Application(), REVERT, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), LONG),
    line("health", "rollout", application.Health(), NOTHING, seconds(5), SHORT),
))
# fmt: on


def _succeeded(operation: Operation) -> None:
    has_release(operation, "instance.rolled-back")


ROLLBACK = Workflow(OperationKind.ROLLBACK, NODES, OnFailure.UNDO, _succeeded)
