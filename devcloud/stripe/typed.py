"""Holds every call against the typed parameters that Stripe's own SDK publishes for it."""

import re
import types
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stripe import RequestOptions
from typing_extensions import is_typeddict

from devcloud.stripe import errors
from devcloud.stripe.errors import StripeError, invalid
from devcloud.stripe.forms import Tree

Checked = dict[str, Any]

_INTEGER = re.compile(r"-?\d{1,19}")
_SCALARS = (bool, int, float, Decimal, str)


@cache
def parameters(name: str) -> type:
    """The SDK's class of that name, such as PriceListParams or checkout.SessionCreateParams."""
    folder, _, short = name.rpartition(".")
    kind: type = getattr(import_module(f"stripe.params.{folder}" if folder else "stripe.params"), short)
    return kind


def check(kind: type, form: Tree) -> Checked:
    """The form with its values typed: numbers with a fraction are Decimal. Raises StripeError for what does not fit."""
    return _mapping(kind, form, "")


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    # The fields of RequestOptions are the client's, not the API's, and only type checkers know all of their types.
    own = {name: hint for name, hint in kind.__annotations__.items() if name not in RequestOptions.__annotations__}
    return get_type_hints(type(kind.__name__, (), {"__module__": kind.__module__, "__annotations__": own}))


def _mapping(kind: type, form: Tree, where: str) -> Checked:
    hints = _hints(kind)
    for name in form:
        if name not in hints:
            raise errors.unknown_parameter(_below(where, name))
    required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    for name in hints:
        if name in required and name not in form:
            raise errors.missing_parameter(_below(where, name))
    return {name: _value(hints[name], value, _below(where, name)) for name, value in form.items()}


def _value(hint: Any, value: Any, where: str) -> Any:
    alternatives = _alternatives(hint)
    words = [word for each in alternatives if get_origin(each) is Literal for word in get_args(each)]
    others = [each for each in alternatives if get_origin(each) is not Literal]
    if isinstance(value, dict):
        return _branch(others, value, where)
    if value in words:
        return value
    if not value:
        raise _empty(where)
    if any(words):  # a union of some words with str is an enumeration that may grow; the API knows today's words
        others = [each for each in others if each is not str]
    return _leaf(others, words, value, where)


def _alternatives(hint: Any) -> list[Any]:
    if get_origin(hint) in {Union, types.UnionType}:
        return [each for part in get_args(hint) for each in _alternatives(part)]
    return [hint]


def _branch(alternatives: list[Any], value: Tree, where: str) -> Any:
    for each in alternatives:
        if get_origin(each) is list:
            return _list(get_args(each)[0], value, where)
        if is_typeddict(each):
            return _mapping(each, value, where)
        if get_origin(each) is dict:
            return {key: _entry(get_args(each)[1], item, _below(where, key)) for key, item in value.items()}
    raise invalid(f"Invalid string: {value}", where, "parameter_invalid_string")


def _list(hint: Any, value: Tree, where: str) -> list[Any]:
    if not all(key.isdigit() for key in value):
        raise invalid("Invalid array", where)
    ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
    return [_value(hint, item, f"{where}[{number}]") for number, (_key, item) in enumerate(ordered)]


def _entry(hint: Any, value: Any, where: str) -> Any:
    """A value of metadata and the like; the empty text takes the key away."""
    return "" if value == "" else _value(hint, value, where)


def _leaf(alternatives: list[Any], words: list[Any], text: str, where: str) -> Any:
    scalars = [each for each in alternatives if each in _SCALARS]
    refusal = _refusal(scalars, words, alternatives, text, where)
    for kind in scalars:
        try:
            return _scalar(kind, text)
        except ValueError:
            continue
    raise refusal


def _scalar(kind: type, text: str) -> Any:
    if kind is str:
        return text
    if kind is bool:
        return {"true": True, "false": False}[text] if text in {"true", "false"} else _refuse()
    if kind is int:
        return int(text) if _INTEGER.fullmatch(text) else _refuse()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _refuse()
    return number if number.is_finite() else _refuse()


def _refuse() -> Any:
    raise ValueError


def _refusal(scalars: list[Any], words: list[Any], alternatives: list[Any], text: str, where: str) -> StripeError:
    known = [word for word in words if word]
    if known and not scalars:
        listed = f"{', '.join(known[:-1])} or {known[-1]}" if known[1:] else known[0]
        return invalid(f"Invalid {where}: must be one of {listed}", where)
    if int in scalars:
        return invalid(f"Invalid integer: {text}", where, "parameter_invalid_integer")
    if bool in scalars:
        return invalid(f"Invalid boolean: {text}", where)
    if scalars:
        return invalid(f"Invalid decimal: {text}", where)
    return invalid(
        "Invalid array" if any(get_origin(each) is list for each in alternatives) else "Invalid object", where
    )


def _empty(where: str) -> StripeError:
    message = (
        f"You passed an empty string for '{where}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{where}' cannot be unset. You should remove '{where}' from your request or supply a non-empty value."
    )
    return invalid(message, where, "parameter_invalid_empty")


def _below(where: str, name: str) -> str:
    return f"{where}[{name}]" if where else name
