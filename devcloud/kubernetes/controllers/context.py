"""What the controllers of one cluster share."""

from dataclasses import dataclass, field
from typing import Any

from devcloud.clock import now, rfc3339_seconds
from devcloud.cloud import Cloud
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import Kind, kind_named
from devcloud.kubernetes.objects import Key, Objects, copy_of

BEHAVIOURS = "kubernetes_behaviours"
SLOWNESS = 10


@dataclass
class Context:
    """`blocked` are the pods that wait for something that may come: a claim, a secret, a node."""

    cloud: Cloud
    cluster_id: str
    objects: Objects
    blocked: set[Key] = field(default_factory=set)

    def seconds(self, name: str) -> float:
        return self.cloud.profile.seconds(f"kubernetes.{name}")

    def behaviour(self, kind: str, name: str, pod: JSON) -> str:
        """How pods of this workload were told to behave; empty when they were not."""
        for _, told in self.cloud.store.items(BEHAVIOURS):
            if told["cluster"] in {"*", self.cluster_id} and told["kind"] == kind and told["name"] in {"*", name}:
                tag = told.get("image_tag")
                if not tag or any(image_tag(container) == tag for container in pod["spec"]["containers"]):
                    return str(told["behaviour"])
        return ""

    def set_status(self, kind: Kind, value: JSON, status: JSON) -> JSON:
        """The object with this status; stored only where it differs. Conditions keep the time of their last change."""
        old = value.get("status", {})
        for condition in status.get("conditions", ()):
            before: JSON = next(
                (other for other in old.get("conditions", ()) if other["type"] == condition["type"]), {}
            )
            unchanged = before.get("status") == condition["status"]
            moment = before.get("lastTransitionTime") if unchanged else None
            condition["lastTransitionTime"] = moment or rfc3339_seconds(now())
        if old == status:
            return value
        changed = copy_of(value)
        changed["status"] = status
        return self.objects.put(kind, changed)

    def adopt(self, owner_kind: Kind, owner: JSON, kind: Kind, name: str) -> JSON | None:
        """What stands under that name and belongs to nobody is this owner's now, as after a delete that orphaned it."""
        found = self.objects.get(kind, owner["metadata"]["namespace"], name)
        if found is None or controller_of(found):
            return None
        adopted = copy_of(found)
        adopted["metadata"].setdefault("ownerReferences", []).append(owner_reference(owner_kind, owner))
        return self.objects.put(kind, adopted)

    def start_pod(self, owner_kind: Kind, owner: JSON, template: JSON, name: str) -> None:
        """A fresh pod of this owner exists, pending."""
        pod = copy_of(template)
        pod |= {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Pending"}}
        pod["metadata"] = {
            **template.get("metadata", {}),
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "ownerReferences": [owner_reference(owner_kind, owner)],
        }
        pod["spec"].setdefault("serviceAccountName", "default")
        self.objects.put(kind_named("pods"), pod)


def owner_reference(kind: Kind, owner: JSON) -> JSON:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(value: JSON) -> JSON | None:
    """The reference to the object's controlling owner."""
    references = value["metadata"].get("ownerReferences", ())
    return next((reference for reference in references if reference.get("controller")), None)


def is_ready(pod: JSON) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def image_tag(container: Any) -> str:
    """The tag of a container's image, without a digest; empty where it has none."""
    image = str(container.get("image", "")).partition("@")[0]
    return image.rpartition("/")[2].partition(":")[2]


def condition(kind: str, *, true: bool, reason: str, message: str = "") -> JSON:
    return {"type": kind, "status": "True" if true else "False", "reason": reason, "message": message}
