"""Google's managed certificates: active once an ingress has them, and the public DNS leads each name there alone.

Sources: cloud.google.com/kubernetes-engine/docs/how-to/managed-certs; github.com/GoogleCloudPlatform/gke-managed-certs
(the words of the status, and that a certificate is made anew for other domains), read 2026-12-01.
"""

from devcloud.balancers import static_address
from devcloud.clock import now
from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of
from devcloud.public_dns import SERVFAIL, issuers, resolve

NAMED_BY = "networking.gke.io/managed-certificates"
ISSUER = "pki.goog"
ACTIVE, PROVISIONING = "Active", "Provisioning"
READY_AT = "devcloud.localhost/certificate-at"


def reconcile(context: Context, certificate: JSON) -> float | None:
    """Its status says how each of its names does; what is not active yet is looked at again and again."""
    if static_address(context.cloud, context.cluster_id, "") is None:
        return None  # no cluster of Google's: nobody there makes certificates
    domains, status = certificate["spec"]["domains"], certificate.get("status", {})
    is_active = status.get("certificateStatus") == ACTIVE
    if is_active and [each["domain"] for each in status["domainStatus"]] == domains:
        return None
    found = {domain: _status(context, certificate, domain) for domain in domains}
    if set(found.values()) == {ACTIVE}:
        at = _ready_at(context, certificate)
        if now() < at:
            found, again = dict.fromkeys(domains, PROVISIONING), at
        else:
            again = None
    else:
        again = now() + context.seconds("certificate.resync")
    _write(context, certificate, found)
    return again


def _status(context: Context, certificate: JSON, domain: str) -> str:
    """How one name does, in the controller's words."""
    address = _address(context, certificate)
    if not address:
        return PROVISIONING
    addresses = {*resolve(context.cloud, domain, "A").of("A"), *resolve(context.cloud, domain, "AAAA").of("AAAA")}
    if addresses != {address}:
        return "FailedNotVisible"
    records = issuers(context.cloud, domain)
    if records.status == SERVFAIL:
        return "FailedCaaChecking"
    named = [record for record in records.of("CAA") if " issue " in record]
    return ACTIVE if not named or any(ISSUER in record for record in named) else "FailedCaaForbidden"


def _address(context: Context, certificate: JSON) -> str:
    """Of the load balancer that has the certificate; empty where none has."""
    metadata = certificate["metadata"]
    for ingress in context.objects.each(kind_named("ingresses"), metadata["namespace"]):
        names = ingress["metadata"].get("annotations", {}).get(NAMED_BY, "").split(",")
        if metadata["name"] in map(str.strip, names):
            reached = ingress.get("status", {}).get("loadBalancer", {}).get("ingress", ())
            return next((str(each["ip"]) for each in reached), "")
    return ""


def _ready_at(context: Context, certificate: JSON) -> float:
    """When it is issued: a while after all was right for the first time."""
    known = certificate["metadata"].get("annotations", {}).get(READY_AT)
    if known is None:
        known = f"{now() + context.seconds('certificate'):.3f}"
        planned = copy_of(certificate)
        planned["metadata"].setdefault("annotations", {})[READY_AT] = known
        context.objects.put(kind_named("managedcertificates"), planned)
    return float(known)


def _write(context: Context, certificate: JSON, found: dict[str, str]) -> None:
    kind, metadata = kind_named("managedcertificates"), certificate["metadata"]
    whole = ACTIVE if set(found.values()) == {ACTIVE} else PROVISIONING
    status = {
        "certificateName": f"mcrt-{metadata['uid']}",
        "certificateStatus": whole,
        "domainStatus": [{"domain": domain, "status": word} for domain, word in found.items()],
    }
    newest = context.objects.get(kind, metadata["namespace"], metadata["name"])
    if newest is not None:
        context.set_status(kind, newest, status)
