"""The controllers: small functions that bring an object to where it should be by now.

They run whenever something changed or is due. Nothing runs in the background but one timer per cluster, set to the next
moment at which something is due, so that watches see it; and since time is read from the objects, not counted, what was
due while nobody ran is done by whoever opens the cluster next.
"""

import asyncio
import contextlib
from collections.abc import Callable

from devcloud.clock import now
from devcloud.cloud import Cloud
from devcloud.kubernetes.controllers import (
    certificates,
    cron_jobs,
    deployments,
    jobs,
    network,
    pods,
    volumes,
    workloads,
)
from devcloud.kubernetes.controllers.context import Context, controller_of
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import Key, Objects

_ROUNDS = 50  # a chain of changes is a handful of rounds long; more means two controllers undo each other
_UNBLOCKING = {"/secrets", "/configmaps", "/persistentvolumeclaims", "/nodes"}
_INGRESSES = "networking.k8s.io/ingresses"
_CERTIFICATES = "networking.gke.io/managedcertificates"
_BEHIND_AN_INGRESS = {"/services", "cloud.google.com/backendconfigs"}
_RECONCILERS: dict[str, Callable[[Context, JSON], float | None]] = {
    "/pods": pods.advance,
    "/persistentvolumeclaims": volumes.reconcile_claim,
    "/services": network.reconcile_service,
    _INGRESSES: network.reconcile_ingress,
    _CERTIFICATES: certificates.reconcile,
    "apps/deployments": deployments.reconcile,
    "apps/statefulsets": workloads.reconcile_stateful_set,
    "apps/daemonsets": workloads.reconcile_daemon_set,
    "batch/jobs": jobs.reconcile,
    "batch/cronjobs": cron_jobs.reconcile,
}
_OWNERS = {
    "ReplicaSet": "replicasets",
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
}


class Controllers:
    """The controllers of one cluster."""

    def __init__(self, cloud: Cloud, cluster_id: str, objects: Objects) -> None:
        self._context = Context(cloud, cluster_id, objects)
        self._objects = objects
        self._agenda: dict[Key, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = float("inf")

    def settle(self) -> None:
        """Everything that follows from what changed, and everything due by now, is done."""
        if not self._objects.touched and now() < self._next:
            return
        for _ in range(_ROUNDS):
            due = {key for key, at in self._agenda.items() if at <= now()}
            touched, self._objects.touched = self._objects.touched, {}
            if not touched and not due:
                break
            for key in self._affected(touched) | due:
                self._reconcile(key)
        self._set_timer()

    def reconsider(self) -> None:
        """Every pod is looked at again, as after a change in how it shall behave."""
        for pod in self._objects.each(kind_named("pods")):
            self._objects.touched["/pods", pod["metadata"]["namespace"], pod["metadata"]["name"]] = pod
        self.settle()

    def finish(self, namespace: str, name: str, error: str) -> None:
        """The work of a Job's pod has ended, with an error or, where that is empty, well. That it is gone is fine."""
        pod = self._objects.get(kind_named("pods"), namespace, name)
        if pod and pod["status"].get("phase") == "Running":
            pods.end(self._context, pod, error)
            self.settle()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _affected(self, touched: dict[Key, JSON]) -> set[Key]:
        affected = set(touched)
        for key, value in touched.items():
            owner = controller_of(value)
            if owner and owner["kind"] in _OWNERS:
                affected.add((kind_named(_OWNERS[owner["kind"]]).key, key[1], owner["name"]))
            is_gone = key[0] == "/pods" and self._objects.get(kind_named("pods"), *key[1:]) is None
            if key[0] in _UNBLOCKING or is_gone:
                affected |= self._context.blocked
            if key[0] == "/nodes":
                affected |= {*self._keys("pods"), *self._keys("daemonsets")}
            if key[0] == "storage.k8s.io/storageclasses":
                affected |= set(self._keys("persistentvolumeclaims"))
            if key[0] in _BEHIND_AN_INGRESS:
                affected |= {found for found in self._keys("ingresses") if found[1] == key[1]}
            if key[0] == _INGRESSES:
                affected |= {found for found in self._keys("managedcertificates") if found[1] == key[1]}
            if key[0] == _INGRESSES and self._objects.get(kind_named("ingresses"), *key[1:]) is None:
                network.drop_ingress(self._context, value)
            if (
                key[0] == "/persistentvolumeclaims"
                and self._objects.get(kind_named("persistentvolumeclaims"), *key[1:]) is None
            ):
                volumes.release_volume(self._context, value)
        return affected

    def _keys(self, plural: str) -> list[Key]:
        kind = kind_named(plural)
        return [
            (kind.key, value["metadata"].get("namespace", ""), value["metadata"]["name"])
            for value in self._objects.each(kind)
        ]

    def _reconcile(self, key: Key) -> None:
        self._agenda.pop(key, None)
        if key[0] == "apps/replicasets":
            self._pass_on(key)
        reconciler = _RECONCILERS.get(key[0])
        value = self._objects.get(kind_named(key[0].rpartition("/")[2]), key[1], key[2]) if reconciler else None
        if value is None or reconciler is None or "deletionTimestamp" in value["metadata"]:
            self._context.blocked.discard(key)
            return
        at = reconciler(self._context, value)
        if at is not None:
            self._agenda[key] = at

    def _pass_on(self, key: Key) -> None:
        """A replica set's pods changed: its deployment wants to know."""
        value = self._objects.get(kind_named("replicasets"), key[1], key[2])
        owner = controller_of(value) if value else None
        if owner:
            self._reconcile((kind_named("deployments").key, key[1], owner["name"]))

    def _set_timer(self) -> None:
        self._next = min(self._agenda.values(), default=float("inf"))
        self.stop()
        self._timer = None
        if self._agenda:
            with contextlib.suppress(RuntimeError):  # no event loop: nobody watches, and the next request settles
                self._timer = asyncio.get_running_loop().call_later(max(0.0, self._next - now()), self._wake)

    def _wake(self) -> None:
        """The loop's clock may run ahead of the wall's: then nothing is due yet, and the timer is set again."""
        self._next = 0.0
        self.settle()
