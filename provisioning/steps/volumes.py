"""The volumes of a release: as large as the spec says, never smaller than they are."""

from decimal import Decimal
from typing import Any

from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import PersistentVolumeClaim
from lightkube.utils.quantity import parse_quantity

from provisioning.clients.kubernetes import is_forbidden, name_of
from provisioning.engine.action import AsWanted, Change, Context, Differs, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.disks import DISKS, GIB, gibibytes, requested, wanted_sizes
from provisioning.steps.kubernetes import ClusterAction
from provisioning.steps.release import wanted_values

Claims = dict[str, PersistentVolumeClaim]
BOUND = "Bound"


class VolumeSizes(ClusterAction):
    """Sizes of the volumes

    Each claim of the chart is at least as large as the spec says. They only grow: what is larger stays as it is.
    """

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/persistentvolumeclaims"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        claims, wanted = _claims(cluster, context), _wanted(context)
        there = [name for name in wanted if name in claims]
        small = [name for name in there if requested(claims[name]) < wanted[name] * GIB]
        if unbound := [name for name in small if not _is_bound(claims[name])]:
            return UnderWay(f"the first use of {', '.join(unbound)}", seconds(10))
        if small:
            return Differs.in_settings(_change(claims[name], wanted[name]) for name in small)
        growing = [name for name in there if _is_bound(claims[name]) and _capacity(claims[name]) < wanted[name] * GIB]
        if growing:
            return UnderWay(f"{', '.join(growing)} to grow{_trouble(claims[growing[0]])}", seconds(10))
        return AsWanted({"volumes": len(there)})

    def create_in(self, cluster: Client, context: Context) -> str:
        """Raises Refused where the storage class does not let volumes grow."""
        claims, wanted, grown = _claims(cluster, context), _wanted(context), list[str]()
        for name, size in wanted.items():
            if name in claims and requested(claims[name]) < size * GIB:
                _grow(cluster, context, name, size)
                grown.append(f"{name} to {size} GiB")
        return f"asked for {', '.join(grown)}" if grown else "found all of them large enough"


def _wanted(context: Context) -> dict[str, int]:
    """GiB by claim."""
    sizes = wanted_sizes(wanted_values(context.spec))
    return {disk.claim: sizes[disk.key] for disk in DISKS if disk.key in sizes}


def _claims(cluster: Client, context: Context) -> Claims:
    found = cluster.list(PersistentVolumeClaim, namespace=names.namespace(context.spec))
    return {name_of(claim): claim for claim in found}


def _grow(cluster: Client, context: Context, name: str, size: int) -> None:
    patch = {"spec": {"resources": {"requests": {"storage": f"{size}Gi"}}}}
    try:
        cluster.patch(PersistentVolumeClaim, name, patch, namespace=names.namespace(context.spec))
    except ApiError as error:
        if not is_forbidden(error):
            raise
        raise Refused(
            f"The volume {name} cannot grow to {size} GiB: {error.status.message}.",
            "Use a storage class with allowVolumeExpansion, or choose a size with the disks that are there.",
        ) from error


def _change(claim: PersistentVolumeClaim, wanted: int) -> Change:
    found = gibibytes(requested(claim))
    return Change(f"{name_of(claim)} spec.resources.requests.storage", f"{wanted}Gi", f"{found}Gi")


def _is_bound(claim: Any) -> bool:
    return bool(claim.status and claim.status.phase == BOUND)


def _capacity(claim: Any) -> Decimal:
    return parse_quantity((claim.status.capacity or {}).get("storage", "0")) or Decimal(0)


def _trouble(claim: Any) -> str:
    """What Kubernetes says of a volume that is slow to grow."""
    told = [condition.message for condition in claim.status.conditions or () if condition.message]
    return f" ({'; '.join(told)})" if told else ""
