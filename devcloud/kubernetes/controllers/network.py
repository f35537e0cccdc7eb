"""Load balancers get an address after a while."""

from devcloud.clock import now
from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.defaults import address
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import Kind, kind_named
from devcloud.kubernetes.objects import copy_of

READY_AT = "devcloud.localhost/address-at"


def reconcile_ingress(context: Context, ingress: JSON) -> float | None:
    return _give_address(context, kind_named("ingresses"), ingress)


def reconcile_service(context: Context, service: JSON) -> float | None:
    if service["spec"].get("type") != "LoadBalancer":
        return None
    return _give_address(context, kind_named("services"), service)


def _give_address(context: Context, kind: Kind, value: JSON) -> float | None:
    """The object has an address once its time has come. Returns when that will be."""
    if value.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return None
    at = value["metadata"].get("annotations", {}).get(READY_AT)
    if at is None:
        planned = copy_of(value)
        due = now() + context.seconds("loadbalancer")
        planned["metadata"].setdefault("annotations", {})[READY_AT] = f"{due:.3f}"
        context.objects.put(kind, planned)
        return due
    if now() < float(at):
        return float(at)
    reached = address("34.120", value["metadata"]["uid"])
    context.set_status(kind, value, {**value.get("status", {}), "loadBalancer": {"ingress": [{"ip": reached}]}})
    return None
