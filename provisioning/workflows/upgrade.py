"""Upgrade: another version of the application on the same infrastructure.

What does not answer is not upgraded. When anything fails, the values of before are applied again, and the point of
return, which is undone last, waits until the version of before answers.
"""

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Instance, Operation, OperationKind, Release
from provisioning.steps import application, preflight, release, rollout
from provisioning.workflows.table import interrupting, line

SOON, SHORT, LONG = minutes(1), minutes(20), minutes(45)
NOTHING = Undo.NOTHING  # it only watches
REVERT = Undo.REVERT


# fmt: off
NODES = interrupting((
    line("preflight", "", preflight.Preflight(), NOTHING, seconds(2), SOON),
    line("point-of-return", "preflight", preflight.PointOfReturn(), REVERT, seconds(2), LONG),
    line("application", "point-of-return", release.Application(), REVERT, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), LONG),
    line("health", "rollout", application.Health(), NOTHING, seconds(5), SHORT),
))
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance is of the release that was asked for."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    before = instance.release.app_version
    instance.release = Release.objects.get(app_version=operation.wanted["app_version"])
    instance.save(update_fields=["release"])
    record(
        "instance.upgraded",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={"from": before, "to": instance.release.app_version},
    )


UPGRADE = Workflow(OperationKind.UPGRADE, NODES, OnFailure.UNDO, _succeeded)
