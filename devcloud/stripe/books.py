"""One unit of work on all that Stripe knows: what is read is shared, what is changed is kept and told at the end."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from devcloud.cloud import Cloud
from devcloud.stripe import errors
from devcloud.stripe.kinds import ID_PREFIXES, UPDATED_EVENTS, WORDS

Json = dict[str, Any]
Event = tuple[str, Json, Json | None]

CLOCK = "test_helpers.test_clock"
_COUNTERS = "stripe_counters"
_INDEX = "stripe_index"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Books:
    """Documents as the API shows them, by kind (their `object`) and id; fields that begin with `_` are ours alone.

    Whoever gets a document may change it in place: `close` keeps what has changed, announces it, and lets go. A unit of
    work that is dropped without `close` has never happened: refused calls and previews rely on that.
    """

    def __init__(self, cloud: Cloud, at: float, request: Json | None = None) -> None:
        self.cloud = cloud
        self.at = int(at)
        self.request = request
        self.events: list[Event] = []
        self._open: dict[tuple[str, str], Json] = {}
        self._told: dict[tuple[str, str], Json] = {}
        self._gone: set[tuple[str, str]] = set()
        self._index: dict[str, str] = {}
        self._count: int | None = None
        self._pinned: int | None = None

    def find(self, kind: str, key: str) -> Json | None:
        """The document, if there is one; the same one for everybody who asks."""
        if (kind, key) in self._gone:
            return None
        if (kind, key) not in self._open:
            stored = self.cloud.store.get(f"stripe_{kind}", key)
            if stored is None:
                return None
            self._open[kind, key] = stored
            self._told[kind, key] = copied(stored)
        return self._open[kind, key]

    def need(self, kind: str, key: str, param: str = "id") -> Json:
        """The document. Raises StripeError 404 resource_missing."""
        found = self.find(kind, key)
        if found is None:
            raise errors.missing(WORDS.get(kind, kind), key, param)
        return found

    def add(self, document: Json, *owners: str | None) -> Json:
        """The document exists, and is found among what belongs to these owners."""
        document["_n"] = self._next_number()
        self._open[document["object"], document["id"]] = document
        for owner in filter(None, owners):
            self.own(document, owner)
        return document

    def own(self, document: Json, owner: str) -> None:
        """The document is found among what belongs to this owner, from now on."""
        self._index[f"{owner}/{document['object']}/{document['_n']:010d}"] = document["id"]

    def remove(self, document: Json) -> None:
        """The document is no more."""
        self._gone.add((document["object"], document["id"]))

    def all(self, kind: str) -> list[Json]:
        """The documents of a kind, newest first, to be read only."""
        found = dict(self.cloud.store.items(f"stripe_{kind}"))
        found.update({key: document for (other, key), document in self._open.items() if other == kind})
        kept = [document for key, document in found.items() if (kind, key) not in self._gone]
        return sorted(kept, key=lambda document: -int(document["_n"]))

    def belonging(self, owner: str, kind: str) -> list[Json]:
        """What belongs to an owner, oldest first."""
        prefix = f"{owner}/{kind}/"
        stored = [(place, entry["id"]) for place, entry in self.cloud.store.items(_INDEX, prefix)]
        added = [(place, key) for place, key in self._index.items() if place.startswith(prefix)]
        found = (self.find(kind, key) for _place, key in sorted([*stored, *added]))
        return [document for document in found if document is not None]

    def new_id(self, kind: str) -> str:
        """Ids of a kind sort by age, as Stripe's nearly do."""
        return f"{ID_PREFIXES[kind]}_{_base36(self._next_number())}{secrets.token_hex(8)}"

    def now(self, document: Json) -> int:
        """The time where this document lives: that of its test clock, or everybody's."""
        if self._pinned is not None:
            return self._pinned
        clock = self.find(CLOCK, document["test_clock"]) if document.get("test_clock") else None
        return int(clock["frozen_time"]) if clock else self.at

    @contextmanager
    def pinned(self, at: int) -> Iterator[None]:
        """Within, it is that time for everything."""
        before, self._pinned = self._pinned, at
        try:
            yield
        finally:
            self._pinned = before

    def aside(self) -> "Books":
        """The same books as they are now, to try something out in; nobody keeps what happens there."""
        other = Books(self.cloud, self.at)
        other._open = copied_values(self._open)
        other._index = dict(self._index)
        other._gone = set(self._gone)
        other._count, other._pinned = self._count, self._pinned
        return other

    def tell(self, event: str, document: Json) -> None:
        """An event about the document as it is now."""
        self._note(event, document, None)

    def tell_created(self, event: str, document: Json) -> None:
        """The same for a new document: what changes after this is an update."""
        self._told[document["object"], document["id"]] = copied(document)
        self._note(event, document, None)

    def tell_change(self, document: Json) -> None:
        """The event of an update, if the document differs from what was told last and its kind has such an event."""
        key = document["object"], document["id"]
        event, told = UPDATED_EVENTS.get(key[0]), self._told.get(key)
        if told is None or told == document:
            return
        self._told[key] = copied(document)
        previous = {name: told.get(name) for name in {**told, **document} if _differs(name, told, document)}
        if event and previous:
            self._note(event, document, previous)

    def close(self, publish: Callable[["Books"], None]) -> None:
        """Everything is kept, and its events are handed to `publish`."""
        for document in list(self._open.values()):
            self.tell_change(document)
        publish(self)
        for (kind, key), document in self._open.items():
            self.cloud.store.put(f"stripe_{kind}", key, document)
        for kind, key in self._gone:
            self.cloud.store.delete(f"stripe_{kind}", key)
        for place, key in self._index.items():
            self.cloud.store.put(_INDEX, place, {"id": key})
        if self._count is not None:
            self.cloud.store.put(_COUNTERS, "objects", {"last": self._count})

    def opened(self, kind: str) -> list[Json]:
        """The documents of a kind that this unit of work has had in its hands."""
        keys = [key for key in self._open if key[0] == kind and key not in self._gone]
        return [self._open[key] for key in keys]

    def _note(self, event: str, document: Json, previous: Json | None) -> None:
        from_clock = self.now(document)
        self.events.append((event, {**copied(document), "_at": from_clock}, previous))

    def _next_number(self) -> int:
        if self._count is None:
            kept = self.cloud.store.get(_COUNTERS, "objects")
            self._count = kept["last"] if kept else 0
        self._count += 1
        return self._count


def copied(value: Any) -> Any:
    """A deep copy of JSON."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def copied_values(documents: dict[tuple[str, str], Json]) -> dict[tuple[str, str], Json]:
    return {key: copied(document) for key, document in documents.items()}


def _differs(name: str, one: Json, other: Json) -> bool:
    return not name.startswith("_") and one.get(name) != other.get(name)


def _base36(number: int) -> str:
    digits = ""
    for _ in range(8):
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return f"1{digits}"
