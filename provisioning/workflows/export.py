"""Export: an instance's people get its databases as files, and the instance goes on as it was.

A suspended one's database server runs for that as long as it takes. What is noted first is what it goes back to, if the
export fails; that it is at rest again is the last thing.
"""

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.fleet.exports import STEP
from provisioning.mail import export_ready
from provisioning.models import Operation, OperationKind
from provisioning.steps import export, sql
from provisioning.workflows.table import GOOGLE, line

SHORT, HOURS = minutes(20), minutes(360)  # large databases are written out


# fmt: off
NODES = (
    line("database", "", sql.DatabaseServer(), Undo.REVERT, seconds(2), SHORT, GOOGLE),
    line(STEP, "database", export.Export(), Undo.REMOVE, minutes(4), HOURS, GOOGLE),
    line("rest", STEP, sql.DatabaseServer(), Undo.NOTHING, seconds(30), SHORT, GOOGLE),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """Whoever asked for it knows that it can be fetched, and until when."""
    made = operation.steps.get(name=STEP).outputs
    record(
        "instance.exported",
        operation.instance,
        organization_id=operation.instance.organization_id,
        actor_label="engine",
        details={name: made[name] for name in ("uri", "bytes", "kept_until")},
    )
    export_ready(operation, made["kept_until"])


EXPORT = Workflow(OperationKind.EXPORT, NODES, OnFailure.UNDO, _succeeded)
