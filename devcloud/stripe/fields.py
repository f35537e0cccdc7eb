"""How parameters become fields: metadata merges, an empty text takes away, and what we can't do is refused."""

from collections.abc import Iterable
from typing import Any

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call
from devcloud.stripe.errors import invalid

_MOST_KEYS, _LONGEST_KEY, _LONGEST_VALUE = 50, 40, 500


def refuse_unimplemented(call: Call, known: Iterable[str]) -> None:
    """Raises StripeError for a parameter that Stripe knows and we would ignore: nobody shall be fooled."""
    for name in call.params:
        if name not in {*known, "expand", "metadata"}:
            raise invalid(f"devcloud does not implement the parameter {name} of {call.method}.", name)


def set_fields(document: Json, call: Call, names: Iterable[str]) -> None:
    """The document has the values of these parameters; an empty text is no value. Metadata is merged."""
    for name in names:
        if name in call:
            value = call.params[name]
            document[name] = None if value == "" else value
    if "metadata" in call:
        document["metadata"] = merged(document["metadata"], call.params["metadata"])


def merged(held: dict[str, str], wanted: Any) -> dict[str, str]:
    """The metadata with the changes; an empty value takes its key away, and an empty text takes them all."""
    if wanted == "":
        return {}
    for key, value in wanted.items():
        if len(key) > _LONGEST_KEY:
            raise invalid(f"Metadata keys must be up to {_LONGEST_KEY} characters in length.", f"metadata[{key}]")
        if len(value) > _LONGEST_VALUE:
            raise invalid(f"Metadata values must have up to {_LONGEST_VALUE} characters.", f"metadata[{key}]")
    kept = {key: value for key, value in {**held, **wanted}.items() if value != ""}
    if len(kept) > _MOST_KEYS:
        raise invalid(f"You can only have {_MOST_KEYS} keys in metadata.", "metadata")
    return kept


def deleted(document: Json) -> Json:
    """What is answered about something that is no more."""
    return {"id": document["id"], "object": document["object"], "deleted": True}
