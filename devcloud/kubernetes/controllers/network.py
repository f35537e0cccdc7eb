"""Load balancers get an address after a while, and ask the security policy that they are told of."""

import json

from devcloud.balancers import bring_backend, drop_backend, static_address
from devcloud.clock import now
from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.defaults import address
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import Kind, kind_named
from devcloud.kubernetes.objects import copy_of

STATIC_ADDRESS = "kubernetes.io/ingress.global-static-ip-name"
READY_AT = "devcloud.localhost/address-at"


def reconcile_ingress(context: Context, ingress: JSON) -> float | None:
    """It has an address, and then a backend service, which asks the policy that its BackendConfig names.

    Where it names one, what somebody else has made of that since is put right now and then.
    """
    due = _give_address(context, kind_named("ingresses"), ingress)
    if due is not None or not ingress.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return due
    namespace, service = ingress["metadata"]["namespace"], _service_of(ingress)
    policy = _policy_of(context, namespace, service)
    uid = ingress["metadata"]["uid"]
    if bring_backend(context.cloud, context.cluster_id, uid, f"{namespace}/{service}", policy):
        return now() + context.seconds("loadbalancer.resync") if policy else None
    return now() + context.seconds("loadbalancer")


def drop_ingress(context: Context, ingress: JSON) -> None:
    """What it had at Google goes with it."""
    drop_backend(context.cloud, context.cluster_id, ingress["metadata"]["uid"])


def _service_of(ingress: JSON) -> str:
    """The first that it leads to; empty where it leads to none."""
    for rule in ingress["spec"].get("rules", ()):
        for path in rule.get("http", {}).get("paths", ()):
            return str(path["backend"]["service"]["name"])
    return ""


def _policy_of(context: Context, namespace: str, service_name: str) -> str | None:
    """The name of the security policy that the service's BackendConfig has; None where it says nothing of one."""
    service = context.objects.get(kind_named("services"), namespace, service_name)
    annotations = (service or {}).get("metadata", {}).get("annotations", {})
    for annotation in ("cloud.google.com/backend-config", "beta.cloud.google.com/backend-config"):
        name = json.loads(annotations.get(annotation, "{}")).get("default", "")
        found = context.objects.get(kind_named("backendconfigs"), namespace, name) if name else None
        if found:
            policy = found["spec"].get("securityPolicy")
            return None if policy is None else str(policy.get("name", ""))
    return None


def reconcile_service(context: Context, service: JSON) -> float | None:
    if service["spec"].get("type") != "LoadBalancer":
        return None
    return _give_address(context, kind_named("services"), service)


def _give_address(context: Context, kind: Kind, value: JSON) -> float | None:
    """The object has an address once its time has come: that which it names, where it names one. Returns when that
    will be.
    """
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
    name = value["metadata"].get("annotations", {}).get(STATIC_ADDRESS, "")
    named = static_address(context.cloud, context.cluster_id, name) if name else None
    if named == "":  # Google's controller tries again
        return now() + context.seconds("loadbalancer")
    reached = named or address("34.120", value["metadata"]["uid"])
    context.set_status(kind, value, {**value.get("status", {}), "loadBalancer": {"ingress": [{"ip": reached}]}})
    return None
