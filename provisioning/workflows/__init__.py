"""One file per kind of operation. Importing this makes all of them known to the engine."""

from provisioning.clients.google import breaker
from provisioning.engine.gate import add_gate
from provisioning.engine.graph import register
from provisioning.mail import register_mails
from provisioning.models import Operation, OperationKind, Tenancy
from provisioning.workflows.apply_features import APPLY_FEATURES
from provisioning.workflows.export import EXPORT
from provisioning.workflows.migrate_architecture import MIGRATE_ARCHITECTURE
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.rehearse import REHEARSE
from provisioning.workflows.repair import REPAIR
from provisioning.workflows.resize import RESIZE
from provisioning.workflows.restore import RESTORE
from provisioning.workflows.resume import RESUME
from provisioning.workflows.rollback import ROLLBACK
from provisioning.workflows.suspend import SUSPEND
from provisioning.workflows.takeover import TAKEOVER
from provisioning.workflows.teardown import TEARDOWN
from provisioning.workflows.upgrade import UPGRADE

_ALL = (
    PROVISION,
    UPGRADE,
    ROLLBACK,
    RESTORE,
    RESIZE,
    APPLY_FEATURES,
    SUSPEND,
    RESUME,
    REPAIR,
    REHEARSE,
    MIGRATE_ARCHITECTURE,
    EXPORT,
    TAKEOVER,
    TEARDOWN,
)

for _workflow in _ALL:
    register(_workflow)
register_mails()


def _google_is_well(operation: Operation) -> str:
    """Nothing begins in Google Cloud while a service of it fails for everyone; but for what leaves a lost region, on
    whose day services do.
    """
    is_concerned = operation.instance.tenancy == Tenancy.DEDICATED and operation.kind != OperationKind.TAKEOVER
    return breaker.obstacle() if is_concerned else ""


add_gate(_google_is_well)
