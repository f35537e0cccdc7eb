"""What each kind of change is asked for in these tests, and how it is told that an instance is as its spec says."""

from collections.abc import Callable, Iterator

import httpx
from django.conf import settings
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Secret

from portal.core.audit import Actor
from provisioning.clients.kubernetes import connected
from provisioning.engine import graph
from provisioning.engine.action import AsWanted, Context, Seen
from provisioning.engine.graph import OnFailure
from provisioning.models import Instance, Operation, OperationKind, Release, Size, Tenancy
from provisioning.services import operation_request, resized, upgraded
from provisioning.spec import InstanceSpec, spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.dns import DnsRecord
from provisioning.workflows.repair import REPAIR

BUILT = {str(OperationKind.PROVISION), str(OperationKind.TEARDOWN)}  # they have a file of their own


def newest() -> Release:
    return Release.objects.latest("released_at")


def _larger(instance: Instance) -> InstanceSpec:
    """More of everything, and disks of another type, which only new ones can have."""
    return resized(instance, Size.objects.get(pk="l"))


# A kind that is not here asks for the spec that the instance has.
WISHES: dict[str, Callable[[Instance], InstanceSpec]] = {
    OperationKind.UPGRADE: lambda instance: upgraded(instance, newest()),
    OperationKind.RESIZE: _larger,
}


def damage(spec: InstanceSpec) -> None:
    """What a repair is to find: things changed and things gone, inside the cluster and beside it."""
    namespace = names.namespace(spec)
    with connected(kubeconfig_for(spec)) as cluster:
        cluster.patch(Deployment, "worker", {"spec": {"replicas": 0}}, namespace=namespace, field_manager="kubectl")
        cluster.delete(Deployment, "syntect-server", namespace=namespace)
        cluster.delete(Secret, "codeintel-database", namespace=namespace)
    if spec.tenancy == Tenancy.DEDICATED:
        DnsRecord().drop(_context(spec, "dns", {}))


PREPARATIONS: dict[str, Callable[[InstanceSpec], None]] = {OperationKind.REPAIR: damage}


def cases(*on_failure: OnFailure) -> list[tuple[str, str]]:
    """Kind and tenancy of every registered change of a running instance."""
    kinds = [w for w in graph.workflows() if w.kind not in BUILT and (not on_failure or w.on_failure in on_failure)]
    return [(str(w.kind), str(tenancy)) for w in kinds for tenancy in Tenancy if w.for_tenancy(tenancy)]


def stages() -> list[tuple[str, str, str]]:
    """Kind, tenancy and step, for every step of every change that undoes itself."""
    return [
        (kind, tenancy, node.name)
        for kind, tenancy in cases(OnFailure.UNDO)
        for node in graph.workflow_of(kind).for_tenancy(tenancy)
    ]


def ask_for(kind: str, instance: Instance, actor: Actor) -> Operation:
    """The change is under way."""
    PREPARATIONS.get(kind, lambda _spec: None)(spec_of(instance))
    wanted = WISHES.get(kind, spec_of)(instance)
    return operation_request(instance=instance, kind=kind, actor=actor, wanted=wanted)


def answering_version(instance: Instance) -> str:
    """What people meet on the instance's domain."""
    url = f"{settings.INSTANCE_GATEWAY}/__version"
    return httpx.get(url, headers={"Host": instance.domain}, trust_env=False).raise_for_status().text


def seen_of(instance: Instance) -> Iterator[tuple[str, Seen]]:
    """What each step of a repair finds of the instance, looking only."""
    instance = Instance.objects.select_related("size", "release").get(pk=instance.pk)
    outputs: dict[str, dict[str, object]] = {}
    for node in REPAIR.for_tenancy(instance.tenancy):
        seen = node.action.look(_context(spec_of(instance), node.name, outputs))
        outputs[node.name] = dict(seen.outputs) if isinstance(seen, AsWanted) else {}
        yield node.name, seen


def assert_as_its_spec_says(instance: Instance) -> None:
    """Its version answers, and every step of a repair finds nothing to do."""
    instance.refresh_from_db()
    assert answering_version(instance) == instance.release.app_version
    assert {name: seen for name, seen in seen_of(instance) if not isinstance(seen, AsWanted)} == {}


def _context(spec: InstanceSpec, step: str, outputs: dict[str, dict[str, object]]) -> Context:
    return Context("op-of-a-test", step, 0, spec, outputs)
