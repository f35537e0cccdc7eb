"""One file per kind of operation. Importing this makes all of them known to the engine."""

from provisioning.clients.google import breaker
from provisioning.engine.gate import add_gate
from provisioning.engine.graph import register
from provisioning.mail import register_mails
from provisioning.models import Operation, Tenancy
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.repair import REPAIR
from provisioning.workflows.resize import RESIZE
from provisioning.workflows.teardown import TEARDOWN
from provisioning.workflows.upgrade import UPGRADE

for _workflow in (PROVISION, UPGRADE, RESIZE, REPAIR, TEARDOWN):
    register(_workflow)
register_mails()


def _google_is_well(operation: Operation) -> str:
    """Nothing begins in Google Cloud while a service of it fails for everyone."""
    return breaker.obstacle() if operation.instance.tenancy == Tenancy.DEDICATED else ""


add_gate(_google_is_well)
