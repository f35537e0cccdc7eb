"""A name of the customer's own: its certificate from Google, beside the one of the instance's own name (decision 23).

A ManagedCertificate becomes active only when the ingress has it and the public DNS leads the name to the load balancer.
So it is made before the ingress names it (provisioning/steps/values.py), waited for after that, and removed once
nothing names it any more. Each name has an object of its own: one that is replaced stays until the other is in force.
Sources: cloud.google.com/kubernetes-engine/docs/how-to/managed-certs and .../troubleshooting;
github.com/GoogleCloudPlatform/gke-managed-certs for the words of its status; read 2026-12-01.
"""

import hashlib
from typing import Any, Final

from lightkube.core.client import Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.networking_v1 import Ingress

from provisioning.clients.kubernetes import is_absent, is_taken, name_of, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, Seen, UnderWay, minutes
from provisioning.fleet.domains import custom_name
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.kubernetes import ClusterAction, get
from provisioning.steps.parts import Removes

ManagedCertificate = create_namespaced_resource("networking.gke.io", "v1", "ManagedCertificate", "managedcertificates")
APP: Final = {"app": "custom-domain"}
ANNOTATION: Final = "networking.gke.io/managed-certificates"
# One whose renewal fails still has its last certificate, and shows it.
SERVING: Final = {"Active", "RenewalFailed"}
FOR_GOOD: Final = "ProvisioningFailedPermanently"
# What Google tries again by itself, and what that waits for.
TRIED_AGAIN: Final = {
    "FailedNotVisible": "Google to see that {name} leads to the instance alone: its record must stay as it is",
    "FailedCaaChecking": "the name servers of {name} to answer what its CAA records are, which they do not do just now",
    "FailedRateLimited": "Google's authority to issue more certificates for the domain of {name}: too many were asked "
    "for lately",
}
FORBIDDEN: Final = "FailedCaaForbidden"


class Certificates(ClusterAction):
    """Certificate of the custom domain

    There is one object for the name that is wanted, and none for others. `removes` says when others go: what is named
    in the ingress has to be there before, and until after that.
    """

    def __init__(self, *, removes: Removes) -> None:
        self._removes = removes

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/managedcertificates/{certificate_name(spec) or APP['app']}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        wanted = certificate_name(context.spec)
        there = {name_of(each): each for each in _certificates(cluster, context.spec)}
        if wanted and wanted not in there:
            return Missing(f"the API server listed no managedcertificates {wanted}")
        if wanted and not _is_for(there[wanted], context.spec):
            return Differs("it is for another name")
        if wanted and _status(there[wanted]) == FOR_GOOD:
            return Differs("Google has given up on it")
        if self._may_remove(context) and set(there) - {wanted}:
            return Differs("one is there for a name that no feature asks for")
        return AsWanted()

    def create_in(self, cluster: Client, context: Context) -> str:
        """The wanted comes before others go."""
        wanted, namespace = certificate_name(context.spec), names.namespace(context.spec)
        there = {name_of(each): each for each in _certificates(cluster, context.spec)}
        if wanted in there and (not _is_for(there[wanted], context.spec) or _status(there[wanted]) == FOR_GOOD):
            return f"{_remove(cluster, namespace, {wanted})}, to make it anew"
        if wanted and wanted not in there:
            with suppressed(is_taken):
                cluster.create(_certificate(context.spec))
            return f"asked for a certificate of {custom_name(context.spec)}"
        return _remove(cluster, namespace, set(there) - {wanted})

    def _may_remove(self, context: Context) -> bool:
        when = Removes.GOING_BACK if context.is_going_back else Removes.GOING_FORWARD
        return self._removes in {Removes.ALWAYS, when}


class InForce(ClusterAction):
    """Custom domain in force

    Google has issued the certificate and the load balancer shows it. What Google tries again is waited for; what only
    the customer can put right ends it. In a suspended instance nothing is waited for.
    """

    def see_in(self, cluster: Client, context: Context) -> Seen:
        name = custom_name(context.spec)
        if not name or context.spec.is_suspended:
            return AsWanted()
        found = get(cluster, ManagedCertificate, certificate_name(context.spec), names.namespace(context.spec))
        if found is None or not _is_named(cluster, context.spec):
            return Differs(f"the load balancer has no certificate of {name}")
        if _status(found) in SERVING:
            return AsWanted({"name": name})
        by_name = (found.status or {}).get("domainStatus") or ()
        word = next((str(each["status"]) for each in by_name if each["domain"] == name), "")
        _raise_if_hopeless(name, _status(found), word)
        why = TRIED_AGAIN.get(word, "Google to issue a certificate of {name}, which takes up to an hour")
        return UnderWay(why.format(name=name), minutes(1))

    def create_in(self, cluster: Client, context: Context) -> str:  # noqa: ARG002 - others make it
        raise Refused(
            f"The load balancer has no certificate of {custom_name(context.spec)}.",
            "Repair the instance: that makes the certificate and names it.",
        )


def certificate_name(spec: InstanceSpec) -> str:
    """What the certificate's object of the custom domain is called; "" without one. Another name has another."""
    name = custom_name(spec)
    return f"{APP['app']}-{hashlib.sha256(name.encode()).hexdigest()[:10]}" if name else ""


def is_in_force(cluster: Client, spec: InstanceSpec) -> bool:
    """Whether people can reach the instance by the custom domain that it is to have, as far as the cluster knows."""
    if not custom_name(spec) or not _is_named(cluster, spec):
        return False
    found = get(cluster, ManagedCertificate, certificate_name(spec), names.namespace(spec))
    return found is not None and _status(found) in SERVING


def _raise_if_hopeless(name: str, whole: str, word: str) -> None:
    if word == FORBIDDEN:
        raise Refused(
            f"The CAA records of {name} do not let Google issue a certificate.",
            'Ask the customer to add the record 0 issue "pki.goog". It is asked for again by itself.',
        )
    if whole == FOR_GOOD:
        raise Refused(
            f"Google has given up on a certificate of {name}{f': {word}' * bool(word)}.",
            "Ask the customer whether the name leads to the instance alone. It is asked for again by itself.",
        )


def _is_named(cluster: Client, spec: InstanceSpec) -> bool:
    ingress = get(cluster, Ingress, names.INGRESS, names.namespace(spec))
    annotations = (ingress.metadata.annotations if ingress and ingress.metadata else None) or {}
    return certificate_name(spec) in map(str.strip, annotations.get(ANNOTATION, "").split(","))


def _status(certificate: Any) -> str:
    """How the whole certificate does, in the controller's word; empty before it has said anything."""
    return str((certificate.status or {}).get("certificateStatus") or "")


def _certificates(cluster: Client, spec: InstanceSpec) -> list[Any]:
    return list(cluster.list(ManagedCertificate, namespace=names.namespace(spec), labels={**APP}))


def _certificate(spec: InstanceSpec) -> Any:
    labels = {**spec.labels, **APP}
    metadata = ObjectMeta(name=certificate_name(spec), namespace=names.namespace(spec), labels=labels)
    return ManagedCertificate(
        apiVersion="networking.gke.io/v1",
        kind="ManagedCertificate",
        metadata=metadata,
        spec={"domains": [custom_name(spec)]},
    )


def _is_for(certificate: Any, spec: InstanceSpec) -> bool:
    return bool(certificate.spec["domains"] == [custom_name(spec)])


def _remove(cluster: Client, namespace: str, unwanted: set[str]) -> str:
    for name in sorted(unwanted):
        with suppressed(is_absent):
            cluster.delete(ManagedCertificate, name, namespace=namespace)
    return f"removed {', '.join(sorted(unwanted))}" if unwanted else "found it as wanted"
