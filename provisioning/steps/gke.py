"""The Kubernetes cluster and its nodes: Google Kubernetes Engine."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.operations import failure_of
from provisioning.clients.google.problems import Problem
from provisioning.clients.kubernetes import kubeconfig
from provisioning.engine.action import AsWanted, Change, Context, Differs, NotYet, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences, labelled, refuse_fixed
from provisioning.steps.gke_bodies import (
    AUTOSCALING,
    CHANGEABLE,
    LABELS,
    PRIVATE_NODES,
    SCOPE,
    cluster_as_told,
    cluster_as_wanted,
    cluster_body,
    cluster_update,
    pool_body,
)
from provisioning.steps.google import GoogleAction, attempt, changed, is_of_operation

TOKEN_SECONDS = 3600
COMING = {"PROVISIONING": "to come up", "RECONCILING": "to finish a change of its own", "STOPPING": "to be gone"}
BROKEN = {"ERROR", "RUNNING_WITH_ERROR"}
COUNT = "initialNodeCount"  # it follows every change of the size
# What of the nodes is changed together: each of these updates replaces them one by one, a new one first.
POOL_UPDATES: tuple[tuple[str, ...], ...] = (
    ("upgradeSettings",),
    ("config.machineType", "config.diskSizeGb", "config.diskType"),
    (PRIVATE_NODES,),
    ("config.workloadMetadataConfig",),
    ("config.resourceLabels",),
)
UPDATED_AS = {PRIVATE_NODES: "nodeNetworkConfig"}


class Cluster(GoogleAction):
    """Kubernetes cluster"""

    def see(self, context: Context) -> Seen:
        found = execute(clusters().get(name=names.cluster_path(context.spec)))
        if not names.is_ours(found.get("resourceLabels"), context.spec):
            raise Refused("There is a cluster without our labels.", "Find out who made it; then retry.")
        if why := COMING.get(found["status"]):
            return UnderWay(f"the cluster {why}", seconds(20))
        if found["status"] in BROKEN:
            return Differs(f"it is broken: {_last_failure(names.cluster_path(context.spec))}")
        if changes := _cluster_changes(context, found):
            return Differs.in_settings(changes)
        return AsWanted({"version": found.get("currentMasterVersion", "")})

    def create(self, context: Context) -> str:
        """Makes it, or changes one of its settings.

        Raises Refused for a broken one, unless an earlier try of this operation has left it: then it is removed.
        """
        path = names.cluster_path(context.spec)
        try:
            found = execute(clusters().get(name=path))
        except NotFound:
            body = {"cluster": cluster_body(context)}
            execute(clusters().create(parent=path.partition("/clusters/")[0], body=body))
            return "asked for the cluster"
        if found["status"] not in BROKEN:
            return self._change(context, found)
        _raise_if_kept(context, found.get("resourceLabels", {}), path)
        execute(clusters().delete(name=path))
        return "asked for the deletion of the broken cluster"

    def remove(self, context: Context) -> str:
        execute(clusters().delete(name=names.cluster_path(context.spec)))
        return "asked for the deletion of the cluster"

    def resource(self, context: Context) -> str:
        return f"//container.googleapis.com/{names.cluster_path(context.spec)}"

    def _change(self, context: Context, found: dict[str, Any]) -> str:
        changes = _cluster_changes(context, found)
        if not changes:
            return "found it as wanted"
        refuse_fixed("The cluster", changes, (*CHANGEABLE, LABELS), "Put it right by hand, or skip the step.")
        field = changes[0].path.partition(".")[0]
        of_field = [change for change in changes if change.path.partition(".")[0] == field]
        return changed(context, _cluster_update(context, found, field), of_field, _operation_in(context))


class NodePool(GoogleAction):
    """Nodes"""

    name: ClassVar[str] = names.NODE_POOL

    def body(self, context: Context) -> dict[str, Any]:
        """The pool as it is wanted."""
        return pool_body(context)

    def see(self, context: Context) -> Seen:
        found = execute(clusters().nodePools().get(name=self._path(context)))
        if why := COMING.get(found["status"]):
            return UnderWay(f"the nodes {why}", seconds(15))
        if found["status"] in BROKEN:
            return Differs(f"they are broken: {_last_failure(self._path(context))}")
        if changes := self.changes(context, found):
            return Differs.in_settings(changes)
        return AsWanted({"machine_type": found["config"]["machineType"]})

    def create(self, context: Context) -> str:
        """They come with the cluster; lost or broken ones are made here, and others changed one thing at a time."""
        pools, path = clusters().nodePools(), self._path(context)
        try:
            found = execute(pools.get(name=path))
        except NotFound:
            body = {"nodePool": self.body(context)}
            execute(pools.create(parent=names.cluster_path(context.spec), body=body))
            return "asked for the nodes"
        if found["status"] not in BROKEN:
            return self._change(context, found)
        _raise_if_kept(context, found["config"].get("resourceLabels", {}), path)
        execute(pools.delete(name=path))
        return "asked for the deletion of the broken nodes"

    def remove(self, context: Context) -> str:
        execute(clusters().nodePools().delete(name=self._path(context)))
        return "asked for the deletion of the nodes"

    def resource(self, context: Context) -> str:
        return f"//container.googleapis.com/{self._path(context)}"

    def changes(self, context: Context, found: Mapping[str, Any]) -> list[Change]:
        """Where they are not as wanted."""
        wanted = self.body(context)
        wanted["config"][LABELS] = context.spec.labels
        return differences(wanted, found)

    def _path(self, context: Context) -> str:
        return f"{names.cluster_path(context.spec)}/nodePools/{self.name}"

    def _change(self, context: Context, found: dict[str, Any]) -> str:
        """More nodes come first and fewer last, so that what runs on them always has room."""
        changes = self.changes(context, found)
        if not changes:
            return "found them as wanted"
        fields = (COUNT, AUTOSCALING, "management", *(field for together in POOL_UPDATES for field in together))
        what_to_do = "Delete the node pool in a quiet hour and retry the step: it is made anew, as wanted."
        refuse_fixed("The nodes", changes, fields, what_to_do)
        request, asked = next(self._updates(context, found, changes))
        return changed(context, request, asked, _operation_in(context))

    def _updates(
        self, context: Context, found: dict[str, Any], changes: list[Change]
    ) -> Iterator[tuple[Any, list[Change]]]:
        """The requests that make the changes, in their order, each with what it changes."""
        pools, path, wanted = clusters().nodePools(), self._path(context), self.body(context)
        if scaling := [change for change in changes if change.path.startswith(f"{AUTOSCALING}.")]:
            yield pools.setAutoscaling(name=path, body={AUTOSCALING: wanted[AUTOSCALING]}), scaling
        sizes = [change for change in changes if change.path == COUNT]
        resize = [(pools.setSize(name=path, body={"nodeCount": change.wanted}), [change]) for change in sizes]
        grows = any(change.wanted > (change.found or 0) for change in sizes)
        yield from resize if grows else ()
        if management := [change for change in changes if change.path.startswith("management.")]:
            yield pools.setManagement(name=path, body={"management": wanted["management"]}), management
        for together in POOL_UPDATES:
            asked = [change for change in changes if change.path.startswith(together)]
            if asked:
                labels = labelled(found["config"].get(LABELS), context.spec.labels)
                yield pools.update(name=path, body=_pool_update(wanted, labels, together)), asked
        yield from resize


def kubeconfig_of(spec: InstanceSpec, *, token: str = "", timeout_seconds: float | None = None) -> dict[str, Any]:
    """A kubeconfig with that token, or one of the deployer's, good for an hour.

    NotFound when there is no usable cluster.
    """
    cluster = execute(clusters().get(name=names.cluster_path(spec)), timeout_seconds=timeout_seconds)
    if cluster["status"] in BROKEN:
        raise NotFound(Problem(404, cluster["status"], "", "The cluster never came up"))
    if "endpoint" not in cluster:
        raise NotYet("the cluster to come up")
    certificate = cluster["masterAuth"]["clusterCaCertificate"]
    return kubeconfig(f"https://{cluster['endpoint']}", certificate, token or token_of(spec))


def clusters() -> Any:
    """Google's collection of clusters."""
    return api("container", "v1").projects().locations().clusters()


def token_of(spec: InstanceSpec, *, lifetime_seconds: int = TOKEN_SECONDS, timeout_seconds: float | None = None) -> str:
    """An access token of the deployer's that Google takes for so long, an hour at most."""
    account = f"projects/-/serviceAccounts/{names.account_email(spec, names.DEPLOYER_ACCOUNT)}"
    body = {"scope": [SCOPE], "lifetime": f"{lifetime_seconds}s"}
    accounts = api("iamcredentials", "v1").projects().serviceAccounts()
    request = accounts.generateAccessToken(name=account, body=body)
    try:
        return str(execute(request, timeout_seconds=timeout_seconds)["accessToken"])
    except NotFound:
        raise NotYet("the deployer's account to be known everywhere") from None


def _cluster_changes(context: Context, found: dict[str, Any]) -> list[Change]:
    return differences(cluster_as_wanted(context), cluster_as_told(found))


def _cluster_update(context: Context, found: dict[str, Any], field: str) -> Any:
    path = names.cluster_path(context.spec)
    if field != LABELS:
        return clusters().update(name=path, body={"update": cluster_update(context, field)})
    labels = labelled(found.get(LABELS), context.spec.labels)
    body = {LABELS: labels, "labelFingerprint": found.get("labelFingerprint", "")}
    return clusters().setResourceLabels(name=path, body=body)


def _pool_update(wanted: dict[str, Any], labels: dict[str, str], together: tuple[str, ...]) -> dict[str, Any]:
    known = {
        **wanted["config"],
        LABELS: {"labels": labels},
        "upgradeSettings": wanted["upgradeSettings"],
        "nodeNetworkConfig": wanted[PRIVATE_NODES],
    }
    names_of = [UPDATED_AS.get(field, field.removeprefix("config.")) for field in together]
    return {name: known[name] for name in names_of}


def _operation_in(context: Context) -> Callable[[str], Any]:
    """What reads an operation of the cluster's place by its short name."""
    place = names.cluster_path(context.spec).partition("/clusters/")[0]
    operations = api("container", "v1").projects().locations().operations()
    return lambda name: operations.get(name=f"{place}/operations/{name}")


def _raise_if_kept(context: Context, labels: dict[str, str], path: str) -> None:
    """Only a ruin of this very operation is removed, and one of this try only if what broke it was passing.

    What another operation has made was in use: that it is broken now is for a person to judge.
    """
    failure = _last_failure(path)
    if not is_of_operation(context, labels.get("attempt", "")):
        why = f"{path} worked once and is broken: {failure or 'Google gives no reason.'}"
        raise Refused(why, "Put it right with Google's support, then retry the step; nothing of it was removed.")
    if labels.get("attempt") == attempt(context) and (failure is None or isinstance(failure, Refused)):
        raise failure or Refused("Google could not make it, and gives no reason.", "Retry the step.")


def _last_failure(path: str) -> Exception | None:
    """Of the newest operation on it that failed."""
    collection = api("container", "v1").projects().locations().operations()
    answer = execute(collection.list(parent=path.partition("/clusters/")[0]))
    ours = [found for found in answer.get("operations", ()) if found.get("targetLink", "").endswith(path)]
    failures = [failure for found in sorted(ours, key=_started) if (failure := failure_of(found))]
    return failures[-1] if failures else None


def _started(operation: dict[str, Any]) -> str:
    return str(operation.get("startTime", ""))
