"""The plan is carried out: each fault is struck at its time, and what it broke for a while is mended again."""

import heapq
import itertools
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import httpx
import psutil
import redis

from tools import processes
from tools.chaos.plan import Fault, Kind
from tools.chaos.stack import BEAT, DEVCLOUD, LEASE_SECONDS, POSTGRES, REDIS, Member, Stack, kill_all_of

POSTPONED_SECONDS = 0.3
GRACE_SECONDS = 10.0
PAUSE_TRIES = 10
TARGETS = {  # of all others the workers
    Kind.ANSWERS: [DEVCLOUD],
    Kind.BEAT: [BEAT],
    Kind.BEATS: [BEAT],
    Kind.FLUSH: [REDIS],
    Kind.REDIS: [REDIS],
    Kind.POSTGRES: [POSTGRES],
}


class Storm:
    """Call `blow` many times a second. `struck` holds when each fault was, as time.time() tells it."""

    def __init__(self, stack: Stack, faults: Sequence[Fault]) -> None:
        self.struck: list[tuple[float, Fault]] = []
        self.answers_met = 0
        self.slow_stops = 0
        self._stack = stack
        self._faults = list(reversed(faults))
        self._mending: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._paused: set[str] = set()
        self._stopping: dict[subprocess.Popen[bytes], float] = {}
        self._waiting_for_helm: list[Fault] = []
        self._started = time.monotonic()
        self._control = httpx.Client(base_url=f"{stack.ports.cloud_url}/_control/", trust_env=False, timeout=10)
        self._deeds: dict[Kind, Callable[[Fault], None]] = {
            Kind.ANSWERS: self._answers,
            Kind.WORKER: self._kill_worker,
            Kind.POOL: self._kill_pool,
            Kind.WORKERS: self._kill_workers,
            Kind.BEAT: self._kill_beat,
            Kind.HELM: self._waiting_for_helm.append,
            Kind.FLUSH: self._flush,
            Kind.REDIS: self._stop_redis,
            Kind.POSTGRES: self._stop_postgres,
            Kind.PAUSE: self._pause,
            Kind.BEATS: self._second_beat,
            Kind.DEPLOY: self._replace_worker,
        }

    @property
    def is_over(self) -> bool:
        """Whether all faults are struck and mended; a helm that nobody runs is not waited for when the rest is over."""
        return not self._faults and not self._mending and not self._stopping

    def blow(self) -> None:
        now = time.monotonic()
        while self._mending and self._mending[0][0] <= now:
            heapq.heappop(self._mending)[2]()
        self._lose_patience(now)
        while self._faults and self._faults[-1].at <= now - self._started:
            self._strike(self._faults.pop())
        for fault in self._waiting_for_helm[:1]:
            if helm := next(self._helms(), None):
                processes.kill([helm])
                self._waiting_for_helm.pop(0)
                self._note(fault)

    def end(self) -> None:
        """No fault is left in the cloud either."""
        rules = self._control.get("faults").json()["faults"]
        self.answers_met = sum(rule["matches"] >= rule["from"] for rule in rules)
        self._control.delete("faults").raise_for_status()
        self._control.close()

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(str(fault.kind) for _, fault in self.struck).items()))

    def _strike(self, fault: Fault) -> None:
        """A fault whose victims are down just now is struck a moment later."""
        if not all(self._stack.members[name].is_up for name in TARGETS.get(fault.kind, self._stack.workers)):
            self._later(POSTPONED_SECONDS, lambda: self._strike(fault))
            return
        if fault.kind is not Kind.HELM:
            self._note(fault)
        self._deeds[fault.kind](fault)

    def _note(self, fault: Fault) -> None:
        """In the log too, for whoever wants to know what a worker's complaint is about."""
        self.struck.append((time.time(), fault))
        with (self._stack.logs / "storm.log").open("a") as log:
            log.write(
                f"{datetime.now(UTC).isoformat()} {fault.number} {fault.kind} {fault.seconds} {dict(fault.rule)}\n"
            )

    def _later(self, seconds: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self._mending, (time.monotonic() + seconds, next(self._numbers), deed))

    def _victim(self, fault: Fault) -> Member:
        """A worker that is at work, if any is. One that is paused is to have its result refused, and is spared."""
        others = [name for name in self._stack.workers if name not in self._paused] or self._stack.workers
        names = [name for name in self._stack.busy_workers() if name in others] or others
        return self._stack.members[names[int(fault.victim * len(names))]]

    def _helms(self) -> Iterator[psutil.Process]:
        for name in self._stack.workers:
            yield from (child for child in self._stack.members[name].below() if _is_helm(child))

    def _answers(self, fault: Fault) -> None:
        self._control.post("faults", json={"id": str(fault.number), **fault.rule}).raise_for_status()

    def _kill_worker(self, fault: Fault) -> None:
        kill_all_of(self._victim(fault).process)

    def _replace_worker(self, fault: Fault) -> None:
        old = self._victim(fault).process
        old.terminate()
        self._stopping[old] = time.monotonic() + GRACE_SECONDS

    def _lose_patience(self, now: float) -> None:
        """Whoever has not stopped within the grace that a process manager grants is killed, and counted."""
        for old, until in list(self._stopping.items()):
            if old.poll() is None and now < until:
                continue
            if old.poll() is None:
                self.slow_stops += 1
                kill_all_of(old)
            del self._stopping[old]

    def _kill_pool(self, fault: Fault) -> None:
        processes.kill(child for child in self._victim(fault).below() if not _is_helm(child))

    def _kill_workers(self, _fault: Fault) -> None:
        for name in self._stack.workers:
            kill_all_of(self._stack.members[name].process)

    def _kill_beat(self, _fault: Fault) -> None:
        kill_all_of(self._stack.members[BEAT].process)

    def _flush(self, _fault: Fault) -> None:
        with redis.Redis.from_url(self._stack.redis.url) as client:
            client.flushall()

    def _outage(self, name: str, how: signal.Signals, seconds: float) -> None:
        self._stack.hold_down(name, how)
        self._later(seconds, lambda: self._stack.let_up(name))

    def _stop_redis(self, fault: Fault) -> None:
        self._outage(REDIS, signal.SIGTERM, fault.seconds)

    def _stop_postgres(self, fault: Fault) -> None:
        self._outage(POSTGRES, signal.SIGQUIT, fault.seconds)

    def _pause(self, fault: Fault, tries: int = PAUSE_TRIES) -> None:
        """Caught in the middle of a step, if any of the tries succeeds: only then is there a result to refuse."""
        victim = self._victim(fault)
        group = victim.process.pid
        _signal_group(group, signal.SIGSTOP)
        if tries and victim.service.name not in self._stack.busy_workers():
            _signal_group(group, signal.SIGCONT)
            self._later(POSTPONED_SECONDS, lambda: self._pause(fault, tries - 1))
            return
        self._paused.add(victim.service.name)
        self._later(LEASE_SECONDS + fault.seconds, lambda: self._resume(victim.service.name, group))

    def _resume(self, name: str, group: int) -> None:
        self._paused.discard(name)
        _signal_group(group, signal.SIGCONT)

    def _second_beat(self, fault: Fault) -> None:
        second = self._stack.spawn("beat-two", self._stack.beat(f"beat-two-{fault.number}"))
        self._later(LEASE_SECONDS + fault.seconds, lambda: kill_all_of(second))


def _is_helm(process: psutil.Process) -> bool:
    try:
        return bool(process.name() == "helm")
    except psutil.NoSuchProcess:
        return False


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # it was killed meanwhile
