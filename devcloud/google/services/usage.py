"""Service Usage: which APIs a project may use, and Google's own agents in it."""

from devcloud.cloud import Cloud
from devcloud.google import discovery, errors, operations, policies, resources, tenancy
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import write
from devcloud.google.operations import Work
from devcloud.google.services.projects import pays

_BATCH_LIMIT = 20
_BILLED = {
    f"{name}.googleapis.com"
    for name in ("compute", "container", "dns", "gkebackup", "secretmanager", "servicenetworking", "sqladmin")
}
# The agent's mail domain and the role that Google grants it on the project while the API is being enabled.
_AGENTS = {
    "compute.googleapis.com": ("compute-system", "roles/compute.serviceAgent"),
    "container.googleapis.com": ("container-engine-robot", "roles/container.serviceAgent"),
    "gkebackup.googleapis.com": ("gcp-sa-gkebackup", "roles/gkebackup.serviceAgent"),
    "secretmanager.googleapis.com": ("gcp-sa-secretmanager", ""),
    "servicenetworking.googleapis.com": ("service-networking", "roles/servicenetworking.serviceAgent"),
    "sqladmin.googleapis.com": ("gcp-sa-cloud-sql", ""),
}
_NOOP = "operations/noop.DONE_OPERATION"


@implements("serviceusage.services.batchEnable")
def _batch_enable(call: Call) -> Json:
    services = call.body.get("serviceIds", [])
    if not 0 < len(services) <= _BATCH_LIMIT:
        raise errors.invalid(f"A batch holds 1 to {_BATCH_LIMIT} services, not {len(services)}.", "service_ids")
    return _enable(call, services, "google.api.serviceusage.v1.BatchEnableServicesResponse")


@implements("serviceusage.services.enable")
def _enable_one(call: Call) -> Json:
    return _enable(call, [_service(call)], "google.api.serviceusage.v1.EnableServiceResponse")


@implements("serviceusage.services.disable")
def _disable(call: Call) -> Json:
    service = _service(call)
    _check_known([service])
    if not tenancy.is_enabled(call.cloud, call.project, service):
        raise errors.precondition(f"The service {service} is not enabled in project {call.project_number}.")
    gone = operations.gone(tenancy.ENABLED, f"{call.project}/{service}")
    details = {"response_type": "google.api.serviceusage.v1.DisableServiceResponse"}
    return _start(call, gone, details, "delete.services")


@implements("serviceusage.services.get")
def _get(call: Call) -> Json:
    service = _service(call)
    _check_known([service])
    return _written(call, service)


@implements("serviceusage.services.batchGet")
def _batch_get(call: Call) -> Json:
    services = [name.rpartition("/")[2] for name in call.get("names", [])]
    _check_known(services)
    return {"services": [_written(call, service) for service in services]}


@implements("serviceusage.services.list")
def _list(call: Call) -> Json:
    return resources.page(call, "services", [_written(call, service) for service in sorted(discovery.known_services())])


@implements("serviceusage.services.generateServiceIdentity")
def _generate_identity(call: Call) -> Json:
    service = _service(call)
    _check_known([service])
    if service not in _AGENTS:
        raise errors.precondition(f"{service} has no service agent.")
    outcome = ("serviceusage.identity", {"number": call.project_number, "service": service})
    details = {"response_type": "google.api.serviceusage.v1beta1.ServiceIdentity"}
    return _start(call, outcome, details, "services.identity")


@operations.outcome("serviceusage.enabled")
def _enabled(cloud: Cloud, at: float, arguments: Json) -> Json:
    """The services are on, and Google's agents have edited the project's policy meanwhile."""
    project_id = arguments["project"]
    for service in arguments["services"]:
        cloud.store.put(tenancy.ENABLED, f"{project_id}/{service}", {"enabled_at": at})
        if service in _AGENTS:
            email = _make_agent(cloud, arguments["number"], service)
            if role := _AGENTS[service][1]:
                policies.grant(cloud, f"projects/{project_id}", role, f"serviceAccount:{email}")
    return {}


@operations.outcome("serviceusage.identity")
def _identity(cloud: Cloud, _at: float, arguments: Json) -> Json:
    email = _make_agent(cloud, arguments["number"], arguments["service"])
    return {"email": email, "uniqueId": resources.new_id()}


def _enable(call: Call, services: list[str], response_type: str) -> Json:
    _check_known(services)
    missing = [name for name in services if not tenancy.is_enabled(call.cloud, call.project, name)]
    if not missing:
        response: Json = {"@type": f"type.googleapis.com/{response_type}"}
        return {"name": _NOOP, "done": True, "response": response}
    if not pays(call.cloud, call.project) and (billed := sorted(_BILLED & set(missing))):
        message = f"Billing must be enabled for activation of service '{billed}' in project '{call.project_number}'."
        raise errors.precondition(message, "UREQ_PROJECT_BILLING_NOT_FOUND")
    arguments = {"project": call.project, "number": call.project_number, "services": missing}
    return _start(call, ("serviceusage.enabled", arguments), {"response_type": response_type}, "services.enable")


def _start(call: Call, outcome: tuple[str, Json], details: Json, duration: str) -> Json:
    work = Work(
        name=f"operations/acat.p2-{call.project_number}-{resources.etag()}",
        kind=call.method.id,
        target=f"projects/{call.project}",
        seconds=call.cloud.profile.seconds(duration),
        outcome=outcome,
        details=details,
    )
    return write(call, operations.start(call, work))


def _make_agent(cloud: Cloud, number: str, service: str) -> str:
    email = f"service-{number}@{_AGENTS[service][0]}.iam.gserviceaccount.com"
    cloud.store.put(policies.ACCOUNTS, email, {"body": {"email": email}, "visible_at": 0, "ready": True})
    return email


def _service(call: Call) -> str:
    return str(call.get("name") or call["parent"]).rpartition("/")[2]


def _check_known(services: list[str]) -> None:
    if unknown := set(services) - discovery.known_services():
        message = f"Not found or permission denied for service(s): {', '.join(sorted(unknown))}."
        raise errors.forbidden(message, "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED")


def _written(call: Call, service: str) -> Json:
    enabled = tenancy.is_enabled(call.cloud, call.project, service)
    return {
        "name": f"projects/{call.project_number}/services/{service}",
        "parent": f"projects/{call.project_number}",
        "config": {"name": service},
        "state": "ENABLED" if enabled else "DISABLED",
    }
