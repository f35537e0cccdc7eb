"""One file per kind of operation. Importing this makes all of them known to the engine."""

from provisioning.engine.graph import register
from provisioning.mail import register_mails
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.teardown import TEARDOWN

register(PROVISION)
register(TEARDOWN)
register_mails()
