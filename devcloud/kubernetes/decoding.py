"""What the server's decoder says of a body: unknown fields, wrong types, missing fields."""

from collections.abc import Iterator
from typing import Any

import msgspec

from devcloud.kubernetes.failures import JSON, bad_request
from devcloud.kubernetes.kinds import Kind
from devcloud.kubernetes.schema import ANY, Shape

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "int_or_string": (int, str),
    "struct": (dict,),
    "map": (dict,),
    "list": (list,),
}
_GO_NAMES = {
    "string": "string",
    "integer": "int32",
    "number": "float64",
    "boolean": "bool",
    "int_or_string": "IntOrString",
}
_JSON_NAMES = {str: "string", bool: "bool", int: "number", float: "number", dict: "object", list: "array"}
# The models call these required because they are never absent in an answer; in a request they may be.
_LENIENT = {"status", "metadata"}


def without_nulls(value: Any) -> Any:
    """`value` without fields that are null: to a typed server they are absent. Itself where there are none."""
    return _stripped(value) if b"null" in msgspec.json.encode(value) else value


def check_types(kind: Kind, value: JSON, *, strict: bool) -> list[str]:
    """The unknown fields, as sentences; Refusal (400) on a wrong type, and on any unknown field when strict."""
    problems = list(_walk(kind.shape, value, ""))
    wrong = next((sentence for is_type, sentence in problems if is_type), None)
    prefix = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
    if wrong:
        raise bad_request(prefix + wrong)
    unknown = [sentence for _, sentence in problems]
    if unknown and strict:
        raise bad_request(f"{prefix}strict decoding error: {', '.join(unknown)}")
    return unknown


def known_fields(shape: Shape, value: Any) -> Any:
    """`value` without the fields that its schema does not know: a server that is not asked to be strict drops them."""
    if isinstance(value, dict) and shape.type in {"struct", "map"}:
        known = shape.fields if shape.type == "struct" else value
        return {key: known_fields(shape.child(key), inner) for key, inner in value.items() if key in known}
    if isinstance(value, list) and shape.item:
        return [known_fields(shape.item, item) for item in value]
    return value


def missing_fields(kind: Kind, value: JSON) -> list[tuple[str, str]]:
    """(path, "Required value") of every field that the schema requires and this object lacks."""
    return [(path, "Required value") for path in _missing(kind.shape, value, "")]


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value


def _walk(shape: Shape, value: Any, path: str) -> Iterator[tuple[bool, str]]:
    if shape is ANY or shape.type == "any":
        return
    if not _fits(shape, value):
        yield True, _wrong_type(shape, value, path)
    elif shape.type == "struct":
        for key, inner in value.items():
            child = shape.fields.get(key)
            if child is None:
                yield False, f'unknown field "{_join(path, key)}"'
            else:
                yield from _walk(child, inner, _join(path, key))
    elif shape.type == "map" and shape.item is not ANY:
        for key, inner in value.items():
            yield from _walk(shape.item or ANY, inner, _join(path, key))
    elif shape.type == "list":
        for index, item in enumerate(value):
            yield from _walk(shape.item or ANY, item, f"{path}[{index}]")


def _missing(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type == "struct" and isinstance(value, dict):
        for name in shape.required:
            if name not in value and name not in _LENIENT:
                yield _join(path, name)
        for key, inner in value.items():
            if key not in _LENIENT:
                yield from _missing(shape.child(key), inner, _join(path, key))
    elif shape.type == "list" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _missing(shape.item or ANY, item, f"{path}[{index}]")


def _fits(shape: Shape, value: Any) -> bool:
    return isinstance(value, _TYPES[shape.type]) and (shape.type == "boolean" or not isinstance(value, bool))


def _wrong_type(shape: Shape, value: Any, path: str) -> str:
    found = _JSON_NAMES.get(type(value), "null")
    wanted = _GO_NAMES.get(shape.type, shape.name or shape.type)
    return f"json: cannot unmarshal {found} into Go struct field .{path} of type {wanted}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
