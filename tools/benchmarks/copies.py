"""A fleet of real instances in no time: one is provisioned, the others are copies of what devcloud keeps of it.

Nothing tells a copy from an instance that was provisioned by itself: names, labels, domain and project number are its
own everywhere, also inside what Helm keeps of its release.
"""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from portal.core import ids
from provisioning.models import Instance
from provisioning.spec import spec_of
from provisioning.steps.release import FINGERPRINT, fingerprint

BATCH = 25
NOT_COPIED = {"operations", "timers"}  # what is under way, and what was
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Document:
    """One of devcloud's, as text that names the instance. `release` is what Helm keeps in it, if it is Helm's."""

    collection: str
    key: str
    text: str
    release: str = ""


def control(verb: str, path: str, form: Any = None) -> Any:
    """What devcloud answers; its control API is no part of any vendor's."""
    answer = httpx.request(
        verb, f"{settings.INSTANCE_GATEWAY}/_control/{path}", json=form, timeout=PATIENCE_SECONDS, trust_env=False
    )
    answer.raise_for_status()
    return answer.json() if answer.content else None


def copies_of(first: Instance, count: int) -> list[Instance]:
    """So many more instances, running, that devcloud knows as well as the first. Slugs are the first's and a number."""
    number = _project_number(first)
    documents = list(_documents(first.pk, first.slug, number))
    copies = [_row(first, position) for position in range(1, count + 1)]
    for begin in range(0, count, BATCH):
        added: dict[str, dict[str, Any]] = {}
        for position, copy in enumerate(copies[begin : begin + BATCH], start=begin + 1):
            names = {first.pk: copy.pk, first.slug: copy.slug, number: str(int(number) + position)}
            for document in documents:
                _add_copy(
                    added, document, {**names, **_own_name(document, names, position)}, fingerprint(spec_of(copy))
                )
        control("PATCH", "snapshot", added)
        Instance.objects.bulk_create(copies[begin : begin + BATCH])  # only now: a prober may look at whoever is there
    return copies


def _row(first: Instance, position: int) -> Instance:
    copy = Instance.objects.select_related("size", "release").get(pk=first.pk)
    copy.pk, copy._state.adding = ids.instance_id(), True  # noqa: SLF001 - Django's documented way to copy a row
    copy.slug = f"{first.slug}-{position:04}"
    copy.domain = copy.domain.replace(first.slug, copy.slug)
    return copy


def _documents(*names: str) -> Iterator[Document]:
    for collection, documents in control("GET", "snapshot").items():
        for key, document in documents.items() if collection not in NOT_COPIED else ():
            text = json.dumps(document)
            if any(name in f"{collection}{key}{text}" for name in names):
                yield Document(collection, key, text, _release_in(document))


def _release_in(document: Any) -> str:
    found = document.get("object", document) if isinstance(document, dict) else {}
    data = found.get("data") if isinstance(found, dict) else None
    packed = data.get("release", "") if isinstance(data, dict) else ""
    return gzip.decompress(base64.b64decode(base64.b64decode(packed))).decode() if packed else ""


def _packed(release: str) -> str:
    squeezed = gzip.compress(release.encode(), compresslevel=1)
    return base64.b64encode(base64.b64encode(squeezed)).decode()


def _add_copy(
    added: dict[str, dict[str, Any]], document: Document, names: Mapping[str, str], fingerprint_of_copy: str
) -> None:
    copy = json.loads(_renamed(document.text, names))
    if document.release:
        kept = copy.get("object", copy)
        kept["data"]["release"] = _packed(_renamed(document.release, names))
        kept["metadata"]["labels"][FINGERPRINT] = fingerprint_of_copy
    added.setdefault(_renamed(document.collection, names), {})[_renamed(document.key, names)] = copy


def _own_name(document: Document, names: Mapping[str, str], position: int) -> dict[str, str]:
    """Another name for what has one that the cloud has chosen."""
    place = document.collection + document.key
    return {document.key: f"{document.key}{position}"} if _renamed(place, names) == place else {}


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _project_number(first: Instance) -> str:
    answer = httpx.get(
        f"{settings.GOOGLE_API_ENDPOINT}/cloudresourcemanager/v3/projects/{first.pk}", trust_env=False
    ).json()
    return str(answer["name"].removeprefix("projects/"))
