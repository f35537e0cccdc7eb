"""When each instance is looked at: every so often, spread evenly, oftener under change, and each second while down.

With very many under change at once each has its turn less often, so that one process can look at all of them.
"""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

import structlog
from django.conf import settings

from portal.core import clock
from provisioning.health.lateness import Lateness
from provisioning.health.looks import Look, Target
from provisioning.health.outside import NotSent, Outside

log = structlog.get_logger(__name__)
LEAST_SHARE = 0.5  # of its time that a look must have had for its failure to count


@dataclass
class _Watch:
    """One instance's place in the round. `is_down`: it did not answer, or whether it did cannot be told."""

    target: Target
    phase: float
    is_down: bool = False
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        for pending in (self.timer, self.task):
            if pending:
                pending.cancel()


@dataclass(frozen=True)
class Seen:
    """Looks since the last time somebody asked, and why others are not among them."""

    looks: list[Look] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)


class Watches:
    """Whoever is watched is looked at again and again; `collect` answers what was seen."""

    def __init__(self, outside: Outside, lateness: Lateness) -> None:
        self._loop = asyncio.get_running_loop()
        self._outside, self._lateness = outside, lateness
        self._watches: dict[str, _Watch] = {}
        self._at_once = asyncio.Semaphore(settings.PROBE_AT_ONCE)
        self._seen = Seen()
        self._under_change = 0

    def watch(self, targets: Iterable[Target]) -> None:
        """These are watched, and nobody else."""
        wanted = {target.instance_id: target for target in targets}
        self._under_change = sum(target.is_under_change for target in wanted.values())
        for gone in self._watches.keys() - wanted.keys():
            self._watches.pop(gone).stop()
        for instance_id, target in wanted.items():
            self._watch(instance_id, target)

    async def stop(self) -> None:
        """Nobody is watched any more; a look under way is broken off and counts for nothing."""
        looking = [watch.task for watch in self._watches.values() if watch.task]
        self.watch([])
        await asyncio.gather(*looking, return_exceptions=True)

    def collect(self) -> Seen:
        seen, self._seen = self._seen, Seen()
        return seen

    def _watch(self, instance_id: str, target: Target) -> None:
        watch = self._watches.get(instance_id)
        if watch is None:
            watch = self._watches[instance_id] = _Watch(target, crc32(instance_id.encode()) / 2**32)
            self._set(watch)
        elif watch.target != target:
            watch.target = target
            if watch.timer:
                self._set(watch)

    def _set(self, watch: _Watch) -> None:
        """Its next look comes at its own place in the interval, which is always the same: so they stay spread."""
        if watch.timer:
            watch.timer.cancel()
        interval, now = self._interval_seconds(watch), self._loop.time()
        rounds = math.floor(now / interval - watch.phase) + 1
        watch.timer = self._loop.call_at((rounds + watch.phase) * interval, self._begin, watch)

    def _interval_seconds(self, watch: _Watch) -> float:
        if watch.is_down or watch.target.is_down:
            return float(settings.PROBE_SECONDS_WHILE_DOWN)
        if not watch.target.is_under_change:
            return float(settings.PROBE_SECONDS)
        stretched = self._under_change / settings.PROBE_MOST_A_SECOND
        return float(min(settings.PROBE_SECONDS, max(settings.PROBE_SECONDS_UNDER_CHANGE, stretched)))

    def _begin(self, watch: _Watch) -> None:
        watch.timer = None
        watch.task = self._loop.create_task(self._look(watch))

    async def _look(self, watch: _Watch) -> None:
        try:
            async with self._at_once:
                watch.is_down = await self._is_down(watch.target)
        except Exception:
            log.exception("a look broke off", instance=watch.target.instance_id)
        self._set(watch)

    async def _is_down(self, target: Target) -> bool:
        began_at, began = clock.now(), self._loop.time()
        try:
            failure = await self._outside.failure(target.domain, target.instance_id)
        except NotSent as error:
            self._seen.discarded.append(f"It could not be sent from here. {error}")
            return True
        late = self._lateness.between(began, self._loop.time())
        if failure and late > (1 - LEAST_SHARE) * settings.PROBE_TIMEOUT_SECONDS:
            self._seen.discarded.append(f"This process was late by {late:.1f} s. {failure}")
            return True
        self._seen.looks.append(Look(target.instance_id, began_at, max(began_at, clock.now()), failure))
        return bool(failure)
