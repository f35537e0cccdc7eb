"""Kubernetes' protobuf bodies, for the few kinds that Helm and kubectl write through Go's typed clients."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

from devcloud.clock import rfc3339_seconds
from devcloud.kubernetes.failures import JSON, bad_request, unsupported_media

_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _LENGTH = 0, 1, 2

# Field number to (name, type), from the generated.proto files of Kubernetes. "*" marks a list, "%" a map from strings.
_MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "Unknown": {1: ("typeMeta", "TypeMeta"), 2: ("raw", "raw")},
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        5: ("uid", "string"),
        6: ("resourceVersion", "string"),
        7: ("generation", "integer"),
        8: ("creationTimestamp", "Time"),
        11: ("labels", "%string"),
        12: ("annotations", "%string"),
        13: ("ownerReferences", "*OwnerReference"),
        14: ("finalizers", "*string"),
    },
    "OwnerReference": {
        1: ("kind", "string"),
        3: ("name", "string"),
        4: ("uid", "string"),
        5: ("apiVersion", "string"),
        6: ("controller", "boolean"),
        7: ("blockOwnerDeletion", "boolean"),
    },
    "Time": {1: ("seconds", "integer")},
    "Secret": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "%bytes"),
        3: ("type", "string"),
        4: ("stringData", "%string"),
        5: ("immutable", "boolean"),
    },
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "%string"),
        3: ("binaryData", "%bytes"),
        4: ("immutable", "boolean"),
    },
    "Namespace": {1: ("metadata", "ObjectMeta")},
    "ServiceAccount": {1: ("metadata", "ObjectMeta")},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "integer"),
        2: ("preconditions", "Preconditions"),
        3: ("orphanDependents", "boolean"),
        4: ("propagationPolicy", "string"),
    },
    "Preconditions": {1: ("uid", "string"), 2: ("resourceVersion", "string")},
}
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": bytes.decode,
    "bytes": lambda raw: base64.b64encode(raw).decode(),
    "raw": bytes,
    "integer": int,
    "boolean": bool,
}
_READABLE = {"Secret", "ConfigMap", "Namespace", "ServiceAccount", "DeleteOptions"}


def decode_protobuf(body: bytes) -> JSON:
    """The object in a protobuf body. Raises Refusal (400; 415 for a kind that is not readable here)."""
    if not body.startswith(_MAGIC):
        raise bad_request("the provided data does not appear to be a protobuf message, expected prefix")
    try:
        envelope = _message("Unknown", body[len(_MAGIC) :])
        kind = envelope["typeMeta"]["kind"]
        if kind not in _READABLE:
            raise unsupported_media("application/json, application/yaml")
        return {**envelope["typeMeta"], **_message(kind, envelope.get("raw", b""))}
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise bad_request(f"error decoding protobuf: {error}") from error


def _message(name: str, data: bytes) -> JSON:
    fields = _MESSAGES[name]
    value: JSON = {}
    for number, raw in _wire(data):
        if number not in fields:
            continue
        field, kind = fields[number]
        if kind.startswith("*"):
            value.setdefault(field, []).append(_value(kind[1:], raw))
        elif kind.startswith("%"):
            entry = dict(_wire(raw))
            value.setdefault(field, {})[entry.get(1, b"").decode()] = _value(kind[1:], entry.get(2, b""))
        else:
            value[field] = _value(kind, raw)
    return {field: inner for field, inner in value.items() if inner not in ("", None)}


def _value(kind: str, raw: Any) -> Any:
    scalar = _SCALARS.get(kind)
    if scalar:
        return scalar(raw)
    if kind == "Time":
        seconds = _message("Time", raw).get("seconds", 0)
        return rfc3339_seconds(seconds) if seconds > 0 else None
    return _message(kind, raw)


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value) pairs; a length-delimited value as bytes."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield number, value
        elif kind == _LENGTH:
            length, position = _varint(data, position)
            yield number, data[position : position + length]
            position += length
        else:
            position += 8 if kind == _FIXED64 else 4


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
