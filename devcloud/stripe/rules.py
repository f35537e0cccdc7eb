"""Trouble with events on demand: rules that hold them back, lose them, send them twice, or never make them."""

from fnmatch import fnmatchcase
from typing import Any

from devcloud.cloud import Cloud
from devcloud.stripe.books import Books

ACTS = ("hold", "drop", "duplicate", "mute")
_RULES = "stripe_rules"


def fits(pattern: str, kind: str) -> bool:
    """Whether a type of event is meant by a pattern such as invoice.*."""
    return fnmatchcase(kind, pattern)


def takes(books: Books, act: str, kind: str) -> bool:
    """Whether a rule wants that of the next event of this type; each rule counts those that it sees."""
    taken = False
    for key, rule in books.cloud.store.items(_RULES):
        if rule["act"] == act and fits(rule["type"], kind):
            rule["seen"] += 1
            books.cloud.store.put(_RULES, key, rule)
            taken = taken or rule["nth"] in {None, rule["seen"]}
    return taken


def add_rule(cloud: Cloud, form: dict[str, Any]) -> dict[str, Any]:
    """{"act": "hold", "type": "invoice.*", "nth": 2}: the rule holds. Raises ValueError for a bad form."""
    nth = form.get("nth")
    if form.get("act") not in ACTS or form.keys() - {"act", "type", "nth"}:
        raise ValueError(f"A rule is an act ({', '.join(ACTS)}), a type such as invoice.*, and perhaps an nth.")
    if nth is not None and (not isinstance(nth, int) or nth < 1):
        raise ValueError("nth must be a whole number from 1.")
    key = f"rule-{len(cloud.store.items(_RULES)) + 1}"
    rule = {"id": key, "act": form["act"], "type": str(form.get("type", "*")), "nth": nth, "seen": 0}
    cloud.store.put(_RULES, key, rule)
    return rule


def list_rules(cloud: Cloud) -> list[dict[str, Any]]:
    return [rule for _key, rule in cloud.store.items(_RULES)]


def clear_rules(cloud: Cloud) -> None:
    """No rule holds; what is held back stays so until it is released."""
    for key, _rule in cloud.store.items(_RULES):
        cloud.store.delete(_RULES, key)
