"""What each kind of change is asked for in these tests, and how it is told that an instance is as its spec says."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

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
from provisioning.services import (
    instance_suspend,
    instance_upgrade,
    operation_request,
    resized,
    resumed,
    suspended,
    upgraded,
    with_features,
)
from provisioning.services.architectures import migrated
from provisioning.services.restoring import restorable, rolled_back
from provisioning.spec import FeatureSpec, InstanceSpec, spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.dns import DnsRecord
from provisioning.workflows.repair import REPAIR
from provisioning.workflows.upgrade import UPGRADE
from tests.provisioning.workflows.harness import failing_at, in_place_of, run

# They have files of their own.
BUILT = {
    str(OperationKind.PROVISION),
    str(OperationKind.REHEARSE),
    str(OperationKind.TAKEOVER),
    str(OperationKind.TEARDOWN),
}


def newest() -> Release:
    return Release.objects.latest("released_at")


def _larger(instance: Instance) -> InstanceSpec:
    """More of everything, and disks of another type, which only new ones can have."""
    return resized(instance, Size.objects.get(pk="l"))


ATTACHMENT = "projects/acme-network/regions/us-central1/serviceAttachments/git"  # what their network team publishes
CUSTOM_NAME = "code.acme.com"  # what their people would rather call it
OFFICE = "203.0.113.9"  # where the people of the instance are
# One that is a switch of the application's, and some that are made at Google.
FEATURES = (
    FeatureSpec("insights", values={"frontend": {"env": {"DISABLE_CODE_INSIGHTS": {"value": "false"}}}}),
    FeatureSpec("own-address", parts=("static-address",)),
    FeatureSpec("long-logs", parts=("log-retention",)),
    FeatureSpec(
        "our-code-host",
        parts=("private-connectivity",),
        details={"service_attachment": ATTACHMENT, "host": "git.acme.internal"},
    ),
    FeatureSpec("our-addresses", parts=("allow-list",), details={"addresses": ["203.0.113.0/24"]}),
    FeatureSpec("our-name", parts=("custom-domain",), details={"name": CUSTOM_NAME}),
    FeatureSpec("answers", parts=("assistant",)),
    FeatureSpec("machines", units=2, parts=("executors",)),
    FeatureSpec("second-home", parts=("standby",)),
)
# A kind that is not here asks for the spec that the instance has.
WISHES: dict[str, Callable[[Instance], InstanceSpec]] = {
    OperationKind.UPGRADE: lambda instance: upgraded(instance, newest()),
    OperationKind.ROLLBACK: lambda instance: rolled_back(instance, Release.objects.get(app_version="5.10.0")),
    OperationKind.RESIZE: _larger,
    OperationKind.APPLY_FEATURES: lambda instance: with_features(instance, FEATURES),
    OperationKind.SUSPEND: suspended,
    OperationKind.RESUME: resumed,
    OperationKind.MIGRATE_ARCHITECTURE: lambda instance: migrated(instance, "1.1"),
}
# What a kind does anew each time it is asked for, although all stands; as patterns of calls.
EACH_TIME: dict[str, str] = {
    OperationKind.UPGRADE: r"sql\.backupRuns\.insert|gkebackup\..*\.create|(DELETE|POST) jobs",
    OperationKind.RESTORE: r"sql\.instances\.restoreBackup|(DELETE|POST) jobs|PATCH secrets",
    OperationKind.EXPORT: r"sql\.instances\.export|storage\.buckets\.setIamPolicy",
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


def fail_too_late(instance: Instance, actor: Actor, *, is_restored_by_hand: bool = True) -> Operation:
    """An upgrade has migrated the schema past the version before, and then it failed.

    On a cluster that somebody brings, it is they who restore the databases.
    """
    Release.objects.filter(pk=newest().pk).update(schema_is_compatible=False)
    tell("schemas/incompatible", {"versions": [newest().app_version]})
    with in_place_of(failing_at("health", UPGRADE)):
        upgrade = run(instance_upgrade(instance=instance, release=newest(), actor=actor))
    assert upgrade.status == "failed", upgrade.error
    if is_restored_by_hand and instance.tenancy == Tenancy.BYOK:
        tell("schemas", {"database": database_of(instance), "version": instance.release.app_version})
    return upgrade


def suspend(instance: Instance, actor: Actor) -> Operation:
    """It is suspended."""
    operation = run(instance_suspend(instance=instance, notice="trial-ended", actor=actor, reason="The trial is over."))
    assert operation.status == "succeeded", operation.error
    instance.refresh_from_db()
    return operation


def prepare(instance: Instance) -> None:
    """What their features are to connect to, whose people have not accepted anything yet; and their record in DNS."""
    tell("attachments", {"name": ATTACHMENT})
    lead(CUSTOM_NAME, instance.domain)


def lead(name: str, target: str) -> None:
    """The customer's DNS leads that name there."""
    tell("dns", {"name": name, "type": "CNAME", "data": [target]})


def _prepared(instance: Instance, _actor: Actor) -> Mapping[str, Any]:
    prepare(instance)
    return {}


def _to_restore(instance: Instance, actor: Actor) -> Mapping[str, Any]:
    return {**(restorable(fail_too_late(instance, actor)) or {})}


def _damaged(instance: Instance, _actor: Actor) -> Mapping[str, Any]:
    damage(spec_of(instance))
    return {}


def _asleep(instance: Instance, actor: Actor) -> Mapping[str, Any]:
    suspend(instance, actor)
    return {}


# What has happened before it is asked for; answers the operation's inputs.
PREPARATIONS: dict[str, Callable[[Instance, Actor], Mapping[str, Any]]] = {
    OperationKind.APPLY_FEATURES: _prepared,
    OperationKind.REPAIR: _damaged,
    OperationKind.RESTORE: _to_restore,
    OperationKind.RESUME: _asleep,
}


def cases(*on_failure: OnFailure) -> list[tuple[str, str]]:
    """Kind and tenancy of every registered change of a running instance."""
    kinds = [w for w in graph.workflows() if w.kind not in BUILT and (not on_failure or w.on_failure in on_failure)]
    return [(str(w.kind), str(tenancy)) for w in kinds for tenancy in Tenancy if w.for_tenancy(tenancy)]


def stages() -> list[tuple[str, str, str]]:
    """Kind, tenancy and step, for every step of every change that undoes itself; but those whose failure is no loss."""
    return [
        (kind, tenancy, node.name)
        for kind, tenancy in cases(OnFailure.UNDO)
        for node in graph.workflow_of(kind).for_tenancy(tenancy)
        if not node.gives_up
    ]


def ask_for(kind: str, instance: Instance, actor: Actor) -> Operation:
    """The change is under way."""
    inputs = PREPARATIONS.get(kind, lambda _instance, _actor: {})(instance, actor)
    wanted = WISHES.get(kind, spec_of)(instance)
    return operation_request(instance=instance, kind=kind, actor=actor, wanted=wanted, inputs=inputs)


def ask_again(operation: Operation, actor: Actor) -> Operation:
    """The same once more: there is nothing left to change."""
    instance = Instance.objects.get(pk=operation.instance_id)
    return operation_request(instance=instance, kind=operation.kind, actor=actor, inputs=operation.inputs)


def beside_what_it_always_does(kind: str, calls: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """These calls without those that such a change makes each time."""
    usual = EACH_TIME.get(kind)
    return [call for call in calls if not usual or not re.fullmatch(usual, call["method"])]


def tell(path: str, form: Any) -> None:
    """Devcloud's control API is told so."""
    httpx.put(f"{settings.INSTANCE_GATEWAY}/_control/{path}", json=form, trust_env=False).raise_for_status()


def linked_name(instance: Instance) -> str:
    """The name that the application's own links lead to, as it was told last."""
    spec = spec_of(instance)
    with connected(kubeconfig_for(spec)) as cluster:
        found = cluster.get(Secret, names.SITE_CONFIGURATION, namespace=names.namespace(spec))
    options = base64.b64decode((found.data or {})["options"]).decode()
    wish = json.loads(base64.b64decode(options.rpartition("portal.wish=")[2]))
    return str(httpx.URL(wish["set"]["externalURL"]).host)


def schema_of(instance: Instance) -> str:
    """The version of the schema in the instance's database, as devcloud knows it."""
    answer = httpx.get(f"{settings.INSTANCE_GATEWAY}/_control/schemas", trust_env=False).raise_for_status()
    return str(answer.json()["schemas"][database_of(instance)])


def database_of(instance: Instance) -> str:
    """What devcloud calls it."""
    spec = spec_of(instance)
    if spec.tenancy == Tenancy.DEDICATED:
        return f"projects/{spec.id}/instances/{names.sql_instance(spec)}"
    server = kubeconfig_for(spec)["clusters"][0]["cluster"]["server"]
    return f"{server.rpartition('/')[2]}/{names.namespace(spec)}/pgsql"


def answering_version(instance: Instance) -> str:
    """What people meet on the instance's domain; empty where its name leads to an address at which nobody is."""
    url = f"{settings.INSTANCE_GATEWAY}/__version"
    headers = {"Host": instance.domain, "X-Forwarded-For": OFFICE}
    try:
        return httpx.get(url, headers=headers, trust_env=False).raise_for_status().text
    except httpx.TransportError:
        return ""


def seen_of(instance: Instance) -> Iterator[tuple[str, Seen]]:
    """What each step of a repair finds of the instance, looking only."""
    instance = Instance.objects.select_related("size", "release").get(pk=instance.pk)
    outputs: dict[str, dict[str, object]] = {}
    for node in REPAIR.for_tenancy(instance.tenancy):
        seen = node.action.look(_context(spec_of(instance), node.name, outputs))
        outputs[node.name] = dict(seen.outputs) if isinstance(seen, AsWanted) else {}
        yield node.name, seen


def assert_as_its_spec_says(instance: Instance) -> None:
    """Its version answers, unless it is suspended, and every step of a repair finds nothing to do."""
    instance.refresh_from_db()
    assert answering_version(instance) == ("" if instance.status == "suspended" else instance.release.app_version)
    assert {name: seen for name, seen in seen_of(instance) if not isinstance(seen, AsWanted)} == {}


def _context(spec: InstanceSpec, step: str, outputs: dict[str, dict[str, object]]) -> Context:
    return Context("op-of-a-test", step, 0, spec, outputs)
