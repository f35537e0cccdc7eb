"""Stripe's way of writing nested values in a form: items[0][price]=price_1."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from devcloud.stripe.errors import StripeError, invalid

# Leaves are text; lists are mappings from "0", "1", … until a type says that a list is meant.
Tree = dict[str, Any]

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INNER = re.compile(r"\[([^\[\]]*)\]")


def decode(text: str) -> Tree:
    """The form or query string as a tree. Raises StripeError for names that are no names."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError as error:
        raise invalid(f"Invalid request body: {error}") from None
    return plant(pairs)


def plant(pairs: Iterable[tuple[str, str]]) -> Tree:
    """The pairs of name and text as a tree."""
    tree: Tree = {}
    for name, text in pairs:
        _hang(tree, name, text)
    return tree


def _hang(tree: Tree, name: str, text: str) -> None:
    found = _NAME.fullmatch(name)
    if found is None:
        raise _bad(name)
    *branches, last = [found[1], *_INNER.findall(found[2])]
    place: Any = tree
    for branch in branches:
        place = place.setdefault(branch or str(len(place)), {})
        if not isinstance(place, dict):
            raise _bad(name)
    place[last or str(len(place))] = text


def _bad(name: str) -> StripeError:
    return invalid(f"Invalid parameter name: {name}", name)
