"""Which pods are of their workload's newest revision: what an older one does tells nothing of what was just applied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lightkube.resources.apps_v1 import Deployment, StatefulSet

from provisioning.clients.kubernetes import name_of

SET_REVISION = "controller-revision-hash"
DEPLOYMENT_REVISION = "deployment.kubernetes.io/revision"
IN_ORDER = "OrderedReady"


@dataclass(frozen=True)
class Newest:
    """The newest revisions of a namespace's workloads, as far as their controllers know of them yet.

    `sets` maps StatefulSets to the revision that they go to, `replica_sets` are the newest of each Deployment.
    """

    sets: Mapping[str, str]
    replica_sets: frozenset[str]
    in_order: frozenset[str]

    def is_current(self, pod: Any) -> bool:
        """Pods of neither a Deployment nor a StatefulSet are always current."""
        kind, name = _owner(pod)
        if kind == "StatefulSet":
            return self.sets.get(name) == _labels(pod).get(SET_REVISION)
        return kind != "ReplicaSet" or name in self.replica_sets

    def is_held(self, pod: Any) -> bool:
        """Whether the pod, of an older revision and not ready, keeps its StatefulSet from going on.

        A StatefulSet waits for such a pod for ever, even when the revision that would mend it has been applied:
        https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
        """
        kind, name = _owner(pod)
        is_of_set = kind == "StatefulSet" and name in self.in_order and name in self.sets
        return is_of_set and not self.is_current(pod) and not is_ready(pod) and not pod.metadata.deletionTimestamp


def newest(workloads: Iterable[Any], replica_sets: Iterable[Any]) -> Newest:
    """Workloads whose controller has not seen their last change yet have no newest revision."""
    seen = [item for item in workloads if is_observed(item)]
    sets = {name_of(item): item for item in seen if isinstance(item, StatefulSet)}
    deployments = {name_of(item) for item in seen if isinstance(item, Deployment)}
    latest: dict[str, Any] = {}
    for replica_set in replica_sets:
        kind, name = _owner(replica_set)
        if kind == "Deployment" and name in deployments:
            latest[name] = max(latest.get(name, replica_set), replica_set, key=_number)
    return Newest(
        {name: str(item.status and item.status.updateRevision) for name, item in sets.items()},
        frozenset(map(name_of, latest.values())),
        frozenset(name for name, item in sets.items() if (item.spec.podManagementPolicy or IN_ORDER) == IN_ORDER),
    )


def is_observed(item: Any) -> bool:
    """Whether the controller of a workload has seen its last change."""
    return bool(item.status) and (item.status.observedGeneration or 0) >= (item.metadata.generation or 0)


def is_ready(pod: Any) -> bool:
    conditions = (pod.status.conditions if pod.status else None) or ()
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


def _owner(item: Any) -> tuple[str, str]:
    owners = (owner for owner in item.metadata.ownerReferences or () if owner.controller)
    return next(((owner.kind, owner.name) for owner in owners), ("", ""))


def _labels(item: Any) -> dict[str, str]:
    return item.metadata.labels or {}


def _number(replica_set: Any) -> int:
    return int((replica_set.metadata.annotations or {}).get(DEPLOYMENT_REVISION, 0))
