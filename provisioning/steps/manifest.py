"""Whether what Helm has applied is still so in the cluster: what it rendered, against what is there.

No false alarms: an API server fills in fields and writes quantities its own way, admission hooks change what is applied
while it is applied. So an object counts as changed only where somebody other than Helm has written to it since (its
field managers tell), and only in what the chart names.
"""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml
from lightkube.core.client import Client
from lightkube.generic_resource import GenericNamespacedResource, create_api_info
from lightkube.utils.quantity import parse_quantity

from provisioning.clients.kubernetes import FIELD_MANAGER, name_of
from provisioning.engine.action import Change
from provisioning.steps.differences import differences

APPLIERS = {"helm", FIELD_MANAGER}
CONTENT = ("spec", "data")
QUANTITIES = {"requests", "limits"}
UNITS = {"Gi": 2**30, "Mi": 2**20}
KEYS = ("name", "mountPath", "containerPort", "port")
SEPARATOR = re.compile(r"^---(?: .*)?$", re.MULTILINE)
KIND = re.compile(r"^kind: *[\"']?(\w+)", re.MULTILINE)
NAME = re.compile(r"^metadata: *\n(?:(?: .*)?\n)*?  name: *[\"']?([\w.-]+)", re.MULTILINE)


class Raw(GenericNamespacedResource):
    """Objects as the server tells them, with fields that the client may not know yet."""


class Deployments(Raw):
    _api_info = create_api_info("apps", "v1", "Deployment", "deployments")


class StatefulSets(Raw):
    _api_info = create_api_info("apps", "v1", "StatefulSet", "statefulsets")


class Services(Raw):
    _api_info = create_api_info("", "v1", "Service", "services")


class ConfigMaps(Raw):
    _api_info = create_api_info("", "v1", "ConfigMap", "configmaps")


class Ingresses(Raw):
    _api_info = create_api_info("networking.k8s.io", "v1", "Ingress", "ingresses")


class CronJobs(Raw):
    _api_info = create_api_info("batch", "v1", "CronJob", "cronjobs")


KINDS: dict[str, type[Raw]] = {
    "Deployment": Deployments,
    "StatefulSet": StatefulSets,
    "Service": Services,
    "ConfigMap": ConfigMaps,
    "Ingress": Ingresses,
    "CronJob": CronJobs,
}


@dataclass(frozen=True)
class Document:
    """One object that Helm rendered. `text` is read only where it matters: that takes longer than all the rest."""

    kind: str
    name: str
    text: str

    @property
    def thing(self) -> dict[str, Any]:
        return dict(yaml.load(self.text, Loader=_Loader))  # noqa: S506 - it derives from the safe loader


def changed_by_hand(cluster: Client, namespace: str, record: str) -> list[Change]:
    """What of a revision is not as Helm applied it. `record` is what Helm keeps of the revision, in base64."""
    wanted = [document for document in rendered(record) if document.kind in KINDS]
    found = {
        (kind, name_of(item)): item
        for kind in dict.fromkeys(document.kind for document in wanted)
        for item in cluster.list(KINDS[kind], namespace=namespace)
    }
    return [change for document in wanted for change in _told(document, found.get((document.kind, document.name)))]


def rendered(record: str) -> list[Document]:
    """The objects of a revision: Helm keeps JSON, gzipped and in base64, of which a Secret makes base64 again."""
    manifest = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(record))))["manifest"]
    return [document for text in SEPARATOR.split(manifest) if (document := _document(text))]


def _document(text: str) -> Document | None:
    """None for what has only comments."""
    kind, name = KIND.search(text), NAME.search(text)
    if kind and name:
        return Document(kind[1], name[1], text)
    thing = yaml.load(text, Loader=_Loader)  # noqa: S506 - as above
    return Document(thing["kind"], _name(thing), text) if thing else None


def _told(document: Document, found: Mapping[str, Any] | None) -> Iterator[Change]:
    if found is None:
        yield Change(f"{document.kind.lower()}/{document.name}", "there", None)
    elif _is_written_by_others(found):
        yield from _changes(document.thing, found)


def _changes(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Change]:
    thing = f"{wanted['kind'].lower()}/{_name(wanted)}"
    for change in differences(_named(_content(wanted)), _named(_content(found))):
        yield Change(f"{thing} {change.path}", change.wanted, change.found)


def _name(thing: Mapping[str, Any]) -> str:
    return str(thing["metadata"]["name"])


def _content(thing: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: thing["metadata"].get(key) for key in ("labels", "annotations")}
    return {"metadata": metadata, **{key: thing[key] for key in CONTENT if key in thing}}


def _is_written_by_others(found: Mapping[str, Any]) -> bool:
    """Whether anybody but Helm and us has written more than its status; the scale subresource counts."""
    entries = found["metadata"].get("managedFields") or ()
    return any(entry.get("manager") not in APPLIERS and entry.get("subresource") != "status" for entry in entries)


def _named(value: Any, key: str = "") -> Any:
    """Things in lists by their names, so that what was added beside them is no difference; quantities in one way."""
    if isinstance(value, Mapping):
        if key in QUANTITIES:
            return {name: _quantity(inner) for name, inner in value.items()}
        return {str(name): _named(inner, str(name)) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return _by_name(value) or [_named(element) for element in value]
    return value


def _by_name(elements: list[Any]) -> dict[str, Any] | None:
    """None where not all have a name, or two the same."""
    for key in KEYS:
        named = {str(each[key]): _named(each) for each in elements if isinstance(each, Mapping) and key in each}
        if elements and len(named) == len(elements):
            return named
    return None


def _quantity(value: Any) -> str:
    """One way to write each: 1000m and 1 are the same, and so are 1Gi and 1024Mi."""
    try:
        number = parse_quantity(str(value)) or Decimal(0)
    except ValueError:
        return str(value)
    unit = next((unit for unit, size in UNITS.items() if number and number % size == 0), "")
    return f"{(number / UNITS.get(unit, 1)).normalize():f}{unit}"


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: what looks like a date is text."""

    yaml_implicit_resolvers = {
        first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
