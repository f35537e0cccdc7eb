"""Which of Google's services are on in the project, and their identities: Service Usage."""

from provisioning.clients.google import api, execute
from provisioning.engine.action import AsWanted, Change, Context, Differs, Seen
from provisioning.fleet.features import PRIVATE_CONNECTIVITY
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import ENABLED, GoogleAction, begun

# In one call, which takes up to twenty and counts five times against the quota.
SERVICES = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "gkebackup.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
)

OF_PARTS = {PRIVATE_CONNECTIVITY: "dns.googleapis.com"}


class EnabledServices(GoogleAction):
    """Google services"""

    def see(self, context: Context) -> Seen:
        missing = self._missing(context)
        changes = tuple(Change(f"services[{service}].state", ENABLED, "DISABLED") for service in missing)
        return Differs(f"not enabled: {', '.join(missing)}", changes) if missing else AsWanted()

    def create(self, context: Context) -> str:
        body = {"serviceIds": self._missing(context)}
        if not body["serviceIds"]:
            return "found all enabled"
        request = api("serviceusage", "v1").services().batchEnable(parent=f"projects/{context.spec.id}", body=body)
        return begun(context, "serviceusage", request, "enable its services")

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "serviceusage", "services")

    def _missing(self, context: Context) -> list[str]:
        parent, services = f"projects/{context.spec.id}", services_for(context.spec)
        wanted = [f"{parent}/services/{service}" for service in services]
        answer = execute(api("serviceusage", "v1").services().batchGet(parent=parent, names=wanted))
        enabled = {_service(found["name"]) for found in answer.get("services", ()) if found.get("state") == ENABLED}
        return [service for service in services if service not in enabled]


def services_for(spec: InstanceSpec) -> tuple[str, ...]:
    """Those that every instance needs, and those of its features' parts. None is switched off: that costs nothing."""
    return (*SERVICES, *(service for part, service in OF_PARTS.items() if spec.has_part(part)))


def _service(name: str) -> str:
    return name.rpartition("/")[2]
