"""The application itself: one Helm release in the instance's namespace."""

import hashlib
import json
from typing import Any

from django.conf import settings
from lightkube.core.client import Client, LabelSelector
from lightkube.resources.core_v1 import Secret

from provisioning.clients.helm import Helm
from provisioning.clients.kubernetes import connected, server_version
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Seen
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.cluster_access import brought_cluster, kubeconfig_for
from provisioning.steps.google import GoogleAction
from provisioning.steps.values import BroughtCluster, values_for

APPLIES_FROM = (1, 22)  # older API servers reject server-side apply of a Service whose ports omit the protocol
FINGERPRINT = "spec"


class Application(GoogleAction):
    """Application

    Helm keeps each revision as a Secret with its state, and our fingerprint of what was asked for, in labels: reading
    them tells whether there is work, without a Helm process.
    """

    queue = "helm"

    def see(self, context: Context) -> Seen:
        with connected(kubeconfig_for(context.spec)) as cluster:
            newest = _newest_revision(cluster, context.spec)
        if newest is None:
            return Missing()
        if newest["status"] != "deployed":
            return Differs(f"revision {newest['version']} is {newest['status']}")
        if newest.get(FINGERPRINT) != _fingerprint(context.spec):
            return Differs(f"revision {newest['version']} was asked for with other values")
        return AsWanted({"revision": int(newest["version"])})

    def create(self, context: Context) -> str:
        """A release that a killed helm has left pending is repaired first; the next look finds what is left to do."""
        spec = context.spec
        document = kubeconfig_for(spec)
        helm, apply = Helm(document, names.namespace(spec)), server_version(document) >= APPLIES_FROM
        with connected(document) as cluster:
            newest = _newest_revision(cluster, spec) or {"status": "absent"}
        if newest["status"] == "deployed" and newest.get(FINGERPRINT) == _fingerprint(spec):
            return "found it applied already"
        if newest["status"].startswith("pending-"):
            return helm.repair(names.RELEASE, apply=apply)
        helm.upgrade(
            names.RELEASE,
            settings.CHART.format(version=spec.chart_version),
            values=values_for(spec, _brought(spec)),
            labels={FINGERPRINT: _fingerprint(spec)},
            apply=apply,
        )
        return f"applied version {spec.app_version}"

    def remove(self, context: Context) -> str:
        Helm(kubeconfig_for(context.spec), names.namespace(context.spec)).uninstall(names.RELEASE)
        return "uninstalled the release"


def _newest_revision(cluster: Client, spec: InstanceSpec) -> dict[str, str] | None:
    """The labels of the newest revision's Secret, as Helm writes them: name, owner, status, version, and ours."""
    labels: LabelSelector = {"owner": "helm", "name": names.RELEASE}
    revisions = [
        secret.metadata.labels
        for secret in cluster.list(Secret, namespace=names.namespace(spec), labels=labels)
        if secret.metadata and secret.metadata.labels
    ]
    return max(revisions, key=lambda found: int(found["version"]), default=None)


def _brought(spec: InstanceSpec) -> BroughtCluster | None:
    if spec.tenancy == Tenancy.DEDICATED:
        return None
    cluster = brought_cluster(spec)
    return BroughtCluster(cluster.has_cluster_wide_rights, cluster.storage_class, cluster.ingress_class)


def _fingerprint(spec: InstanceSpec) -> str:
    wanted: list[Any] = [settings.CHART, spec.chart_version, values_for(spec, _brought(spec))]
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
