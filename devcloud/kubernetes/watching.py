"""Watches: what is there, then what changes, as lines of JSON until time is up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import msgspec

from devcloud.kubernetes.failures import JSON, expired
from devcloud.kubernetes.kinds import Kind
from devcloud.kubernetes.objects import Change, Objects
from devcloud.kubernetes.selectors import Predicate

_BOOKMARK_SECONDS = 30.0
_LONGEST_SECONDS = 1800.0
_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Watch:
    """What is watched. `version` is None for "start with what is there"; `alive` says whether the cluster stands."""

    objects: Objects
    kind: Kind
    namespace: str
    matches: Predicate
    version: int | None
    initial_events_end: bool
    bookmarks: bool
    seconds: float | None
    alive: Callable[[], bool]

    async def lines(self) -> AsyncIterator[bytes]:
        """The events, one line each, until the time is up or the cluster is gone."""
        if self.version is not None and not self.objects.remembers(self.kind, self.version):
            yield _line("ERROR", expired(self.version).status())
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + min(self.seconds or _LONGEST_SECONDS, _LONGEST_SECONDS)
        changed = asyncio.Event()
        self.objects.listen(self.kind, changed)
        try:
            seen = self.objects.version if self.version is None else self.version
            if self.version is None:
                for line in self._initial():
                    yield line
            marked = loop.time()
            while loop.time() < end and self.alive():
                changed.clear()
                changes = self.objects.changes_since(self.kind, seen)
                for change in changes:
                    seen = change.version
                    if event := self._event(change):
                        yield event
                if self.bookmarks and loop.time() - marked > _BOOKMARK_SECONDS:
                    marked = loop.time()
                    yield self._bookmark(seen, end_of_initial=False)
                if not changes:
                    await _wait(changed, min(_TICK_SECONDS, end - loop.time()))
        finally:
            self.objects.unlisten(self.kind, changed)

    def _initial(self) -> Iterator[bytes]:
        for value in self.objects.each(self.kind, self.namespace):
            if self.matches(value):
                yield _line("ADDED", value)
        if self.initial_events_end:
            yield self._bookmark(self.objects.version, end_of_initial=True)

    def _event(self, change: Change) -> bytes | None:
        subject = change.after or change.before or {}
        if self.namespace not in {"", subject["metadata"].get("namespace", "")}:
            return None
        before = change.before is not None and self.matches(change.before)
        after = change.after is not None and self.matches(change.after)
        if before and after:
            return _line("MODIFIED", change.after or {})
        if after:
            return _line("ADDED", change.after or {})
        return _line("DELETED", subject) if before else None

    def _bookmark(self, version: int, *, end_of_initial: bool) -> bytes:
        metadata: JSON = {"resourceVersion": str(version), "creationTimestamp": None}
        if end_of_initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        return _line("BOOKMARK", {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": metadata})


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await changed.wait()
    except TimeoutError:
        pass


def _line(event: str, value: JSON) -> bytes:
    return msgspec.json.encode({"type": event, "object": value}) + b"\n"
