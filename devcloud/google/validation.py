"""Refuses what the published schema refuses: parameters and bodies."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from devcloud.google.discovery import Method
from devcloud.google.errors import GoogleError, invalid

Schema = Mapping[str, Any]

_INTEGER = re.compile(r"-?\d+")
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
_OUTPUT_ONLY = re.compile(r"\[?output[ -]only", re.IGNORECASE)


def check_parameters(method: Method, path: Mapping[str, str], query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The parameters, typed. Raises GoogleError for unknown, missing and malformed ones."""
    found: dict[str, Any] = {}
    for name, text in [*path.items(), *query]:
        schema = method.parameters.get(name)
        if schema is None:
            raise _bad(f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.', name)
        value = _parameter(name, text, schema)
        found[name] = [*found.get(name, []), value] if schema.get("repeated") else value
    for name, schema in method.parameters.items():
        if schema.get("required") and name not in found:
            raise GoogleError(400, "required", f"Required parameter: {name}")
    return found


def check_body(method: Method, body: Any) -> dict[str, Any]:
    """The body without output-only fields and nulls, 64-bit numbers as text. Raises GoogleError if it doesn't fit."""
    if method.request is None:
        if body not in (None, {}):
            raise _bad("Invalid JSON payload received. This method takes no request body.", "")
        return {}
    checked = _Body(method).check({} if body is None else body, {"$ref": method.request}, "")
    assert isinstance(checked, dict)  # noqa: S101 - the schema of every request is an object
    return checked


class _Body:
    def __init__(self, method: Method) -> None:
        self._method = method

    def check(self, value: Any, schema: Schema, where: str) -> Any:
        while "$ref" in schema:
            schema = self._method.schemas[schema["$ref"]]
        kind = schema["type"]
        if kind == "object":
            return self._object(value, schema, where)
        if kind == "array":
            return self._array(value, schema, where)
        return value if kind == "any" else _scalar(value, schema, where)

    def _object(self, value: Any, schema: Schema, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _mismatch(where, value, "an object")
        extra = schema.get("additionalProperties")
        properties = schema.get("properties", {})
        checked = {}
        for name, item in value.items():
            known = properties.get(name, extra)
            if known is None:
                at = f" at '{where}'" if where else ""
                raise _bad(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.', where)
            if item is not None and not _is_output_only(known):
                checked[name] = self.check(item, known, f"{where}.{name}".lstrip("."))
        self._require(checked, properties, where)
        return checked

    def _array(self, value: Any, schema: Schema, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise _mismatch(where, value, "a list")
        return [self.check(item, schema["items"], f"{where}[{index}]") for index, item in enumerate(value)]

    def _require(self, checked: Mapping[str, Any], properties: Mapping[str, Schema], where: str) -> None:
        for name, schema in properties.items():
            if name not in checked and self._is_required(schema):
                field = f"{where}.{name}".lstrip(".")
                raise GoogleError(400, "required", f"Required field '{field}' is missing.")

    def _is_required(self, schema: Schema) -> bool:
        """Older documents say for which method; newer ones say so in the description, and mean creation."""
        if self._method.id in schema.get("annotations", {}).get("required", ()):
            return True
        return self._method.verb == "POST" and schema.get("description", "").startswith("Required.")


def _is_output_only(schema: Schema) -> bool:
    return bool(schema.get("readOnly")) or bool(_OUTPUT_ONLY.match(schema.get("description", "")))


def _parameter(name: str, text: str, schema: Schema) -> Any:
    kind = schema["type"]
    if kind == "boolean":
        if text not in {"true", "false"}:
            raise _bad(f"Invalid value for parameter '{name}': '{text}' is not true or false.", name)
        return text == "true"
    if kind == "integer":
        if not _INTEGER.fullmatch(text) or not _in_range(int(text), schema):
            raise _bad(f"Invalid value for parameter '{name}': '{text}'.", name)
        return int(text)
    pattern = schema.get("pattern")
    if pattern and not re.fullmatch(pattern, text):
        raise _bad(f"Invalid value '{text}' for parameter '{name}'. It must match '{pattern}'.", name)
    _check_enum(text, schema, name)
    return text


def _in_range(number: int, schema: Schema) -> bool:
    return int(schema.get("minimum", number)) <= number <= int(schema.get("maximum", number))


def _scalar(value: Any, schema: Schema, where: str) -> Any:
    kind, form = schema["type"], schema.get("format", "")
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "integer":
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif kind == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif form in {"int64", "uint64"}:
        fits = not isinstance(value, bool) and bool(_INTEGER.fullmatch(str(value)))
        value = str(value)
    else:
        fits = isinstance(value, str) and _text_fits(value, form)
    if not fits:
        raise _mismatch(where, value, form or kind)
    _check_enum(value, schema, where)
    return value


def _text_fits(text: str, form: str) -> bool:
    try:
        if form == "byte":
            base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
        elif form in {"google-datetime", "date-time"}:
            datetime.fromisoformat(text)
    except (binascii.Error, ValueError):
        return False
    return form != "google-duration" or bool(_DURATION.fullmatch(text))


def _check_enum(value: Any, schema: Schema, where: str) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise _bad(f"Invalid value at '{where}': \"{value}\" is not one of {', '.join(schema['enum'])}.", where)


def _mismatch(where: str, value: Any, wanted: str) -> GoogleError:
    return _bad(f"Invalid value at '{where}' ({wanted}), {str(value)[:60]!r}", where)


def _bad(message: str, field: str) -> GoogleError:
    return invalid(message, field or "body")
