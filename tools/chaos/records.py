"""What devcloud itself has on record of an instance, read from all of its documents at one moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
KUBERNETES = "kubernetes/"
NODES, CLAIMS, INGRESSES = "/nodes|", "/persistentvolumeclaims|", "networking.k8s.io/ingresses|"
# The volumes whose size is the instance's: Git data and the search index. All others are of one size.
VOLUMES = {"gitserver_disk_gb": "repos-gitserver-0", "search_disk_gb": "data-indexed-search-0"}
GIB = "Gi"


@dataclass(frozen=True)
class Server:
    """A Cloud SQL instance."""

    tier: str
    disk_gb: int
    is_highly_available: bool


@dataclass(frozen=True)
class Nodes:
    """Those of a node pool; `count` are the nodes that are there, whatever was asked for."""

    machine_type: str
    count: int


class Records:
    """`snapshot` is devcloud's: documents by collection and key."""

    def __init__(self, snapshot: Mapping[str, Mapping[str, Document]]) -> None:
        self._snapshot = snapshot

    def has_living_project(self, instance_id: str) -> bool:
        """One that is not about to be purged."""
        project = self._snapshot.get("cloudresourcemanager.projects", {}).get(instance_id)
        return project is not None and project["body"]["state"] == "ACTIVE"

    def server(self, instance_id: str) -> Server | None:
        body = self._only("sql.instances", instance_id)
        if body is None:
            return None
        settings = body["settings"]
        return Server(settings["tier"], int(settings["dataDiskSizeGb"]), settings["availabilityType"] == "REGIONAL")

    def nodes(self, instance_id: str) -> Nodes | None:
        body = self._only("container.nodePools", instance_id)
        if body is None:
            return None
        of_it = (name for name in self._snapshot if name.startswith(f"{KUBERNETES}{instance_id}."))
        count = sum(key.startswith(NODES) for name in of_it for key in self._snapshot[name])
        return Nodes(body["config"]["machineType"], count)

    def volumes(self, domain: str) -> dict[str, int]:
        """Capacity in GiB by claim, in the namespace whose ingress has this domain."""
        return {
            key.rpartition("|")[2]: int(claim["status"]["capacity"]["storage"].removesuffix(GIB))
            for collection, namespace in self._places(domain)
            for key, claim in self._snapshot[collection].items()
            if key.startswith(f"{CLAIMS}{namespace}|") and "capacity" in claim.get("status", {})
        }

    def _places(self, domain: str) -> Iterator[tuple[str, str]]:
        for collection in filter(lambda name: name.startswith(KUBERNETES), self._snapshot):
            for key, ingress in self._snapshot[collection].items():
                rules = ingress["spec"].get("rules", ()) if key.startswith(INGRESSES) else ()
                if any(rule.get("host") == domain for rule in rules):
                    yield collection, key.split("|")[1]

    def _only(self, collection: str, project: str) -> Any:
        """The body of the one thing of a project, or None unless there is one."""
        found = [
            document["body"]
            for key, document in self._snapshot.get(collection, {}).items()
            if key.startswith(f"projects/{project}/")
        ]
        return found[0] if len(found) == 1 else None
