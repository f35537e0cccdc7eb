"""The vendor's own discovery documents, as tables: which methods a service has, and what each takes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import googleapiclient

_DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
# The discovery name is also the folder below /google/ where the service answers.
SERVICES: Mapping[str, tuple[str, ...]] = {
    "bigquery": ("v2",),
    "cloudbilling": ("v1",),
    "cloudresourcemanager": ("v3",),
    "compute": ("v1",),
    "container": ("v1",),
    "dns": ("v1",),
    "gkebackup": ("v1",),
    "iam": ("v1",),
    "iamcredentials": ("v1",),
    "logging": ("v2",),
    "monitoring": ("v3",),
    "secretmanager": ("v1",),
    "servicenetworking": ("v1",),
    "serviceusage": ("v1", "v1beta1"),
    "sqladmin": ("v1",),
    "storage": ("v1",),
}
_VARIABLE = re.compile(r"\{(\+?)([^}]+)\}")

Schemas = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Method:
    """One method of one service. `schemas` are those of its document; it has a body to answer with if it `answers`."""

    service: str
    title: str
    id: str
    verb: str
    path: str
    parameters: Mapping[str, Mapping[str, Any]]
    request: str | None
    answers: bool
    schemas: Schemas

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = _VARIABLE.split(self.path)
        pattern = re.escape(parts[0])
        for plus, name, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            pattern += f"({self._variable(plus, name)}){re.escape(literal)}"
        return re.compile(pattern)

    def _variable(self, plus: str, name: str) -> str:
        if not plus:
            return "[^/]+"
        # Google ends a variable before the custom verb, so that a name never holds a colon.
        pattern = str(self.parameters[name].get("pattern", "^.+$"))
        return pattern.removeprefix("^").removesuffix("$").replace("[^/]", "[^/:]")

    def match(self, path: str) -> dict[str, str] | None:
        """The path's variables, decoded, or None if it isn't this method's path."""
        found = self._pattern.fullmatch(path)
        names = [name for _plus, name in _VARIABLE.findall(self.path)]
        return {n: unquote(v) for n, v in zip(names, found.groups(), strict=True)} if found else None


@cache
def methods(service: str) -> Mapping[str, Method]:
    """Every method of the service by its id; where two versions have the same, the first version's."""
    return {method.id: method for version in reversed(SERVICES[service]) for method in _read(service, version)}


def known_services() -> set[str]:
    """The service names that can be enabled: one for each API that Google publishes."""
    return {f"{path.name.split('.')[0]}.googleapis.com" for path in _DOCUMENTS.glob("*.json")}


def _read(service: str, version: str) -> Iterator[Method]:
    document = json.loads((_DOCUMENTS / f"{service}.{version}.json").read_text())
    for entry in _entries(document):
        yield Method(
            service=service,
            title=document["title"],
            id=entry["id"],
            verb=entry["httpMethod"],
            path=document["servicePath"] + entry["path"],
            parameters={**document["parameters"], **entry.get("parameters", {})},
            request=entry.get("request", {}).get("$ref"),
            answers="response" in entry,
            schemas=document["schemas"],
        )


def _entries(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for child in resource.get("resources", {}).values():
        yield from _entries(child)
