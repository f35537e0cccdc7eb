"""The end of a teardown: proof that nothing is left of the instance."""

from collections.abc import Iterator

from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Namespace

from provisioning.clients.google import Forbidden, NotFound, api, execute, pages
from provisioning.clients.google.projects import is_gone, project_of
from provisioning.clients.kubernetes import connected, is_absent, volumes_of
from provisioning.engine.action import Action, Context, Differs, Missing, Refused, Seen
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.dns import DnsRecord
from provisioning.steps.google import absence_of_project
from provisioning.steps.leftovers import leftovers_of


class Proof(Action):
    """Proof that nothing is left"""

    def look(self, context: Context) -> Seen:
        is_dedicated = context.spec.tenancy == Tenancy.DEDICATED
        left = list(_left_in_google(context) if is_dedicated else _left_in_cluster(context.spec))
        return Differs(", ".join(left)) if left else Missing(_confirmed(context.spec))

    def make(self, context: Context) -> str:  # noqa: ARG002 - there is nothing to make
        raise Refused("A proof that nothing is left is only ever looked for.", "Tear the instance down.")

    def drop(self, context: Context) -> str:
        """Raises Refused with the list: what the steps before could not remove, a person must."""
        seen = self.look(context)
        if isinstance(seen, Differs):
            raise Refused(f"Left of the instance: {seen.difference}.", "Remove it by hand, then retry the step.")
        return "found nothing"


def _confirmed(spec: InstanceSpec) -> str:
    if spec.tenancy != Tenancy.DEDICATED:
        return f"the cluster has no namespace {names.namespace(spec)} and no volume that was claimed in it"
    project = absence_of_project(project_of(spec.id))
    return f"no record of {spec.domain}, no live project with the instance's label; {project}"


def _left_in_google(context: Context) -> Iterator[str]:
    """The record in the shared zone, any live project with our labels, and in ours whatever costs or holds data."""
    if not isinstance(DnsRecord().look(context), Missing):
        yield f"the domain name {context.spec.domain}"
    yield from _live_projects(context.spec)
    if not is_gone(context.spec.id):
        yield from _left_in_project(context.spec)


def _live_projects(spec: InstanceSpec) -> Iterator[str]:
    collection = api("cloudresourcemanager", "v3").projects()
    listing = pages(collection, collection.search(query=f"labels.instance:{spec.id} state:ACTIVE"), "search")
    yield from (f"the project {project['projectId']}" for page in listing for project in page.get("projects", ()))


def _left_in_project(spec: InstanceSpec) -> Iterator[str]:
    for what, look in {"database servers": _servers, "clusters": _clusters, "in Compute Engine": _compute}.items():
        try:
            found = look(spec)
        except (NotFound, Forbidden):
            continue
        if found:
            yield f"{what}: {', '.join(found)}"


def _servers(spec: InstanceSpec) -> list[str]:
    answer = execute(api("sqladmin", "v1").instances().list(project=spec.id))
    return [found["name"] for found in answer.get("items", ())]


def _clusters(spec: InstanceSpec) -> list[str]:
    clusters = api("container", "v1").projects().locations().clusters()
    answer = execute(clusters.list(parent=f"projects/{spec.id}/locations/-"))
    return [found["name"] for found in answer.get("clusters", ())]


def _compute(spec: InstanceSpec) -> list[str]:
    return [leftover.name for leftover in leftovers_of(spec.id)]


def _left_in_cluster(spec: InstanceSpec) -> Iterator[str]:
    """The namespace, and volumes that were kept by their storage class, if we may list those."""
    namespace = names.namespace(spec)
    with connected(kubeconfig_for(spec)) as cluster:
        try:
            cluster.get(Namespace, namespace)
            yield f"the namespace {namespace}"
        except ApiError as error:
            if not is_absent(error):
                raise
        volumes = volumes_of(cluster)
    for volume in volumes:
        claim = volume.spec.claimRef if volume.spec else None
        if claim and claim.namespace == namespace and volume.metadata:
            yield f"the volume {volume.metadata.name}"
