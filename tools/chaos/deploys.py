"""Deploys: every worker and the scheduler is asked to stop (SIGTERM) at once, and new ones take their places."""

import subprocess
import time

from tools.chaos.stack import BEAT, Stack, kill_all_of

GRACE_SECONDS = 60.0  # more than a process manager grants: how long it really takes is to be seen
GLANCE_SECONDS = 0.2
AT_WORK_SECONDS = 15.0  # by then every worker would have been seen at work, were there enough of it


class Deploys:
    """Call `watch` many times a second. `stop_seconds` is how long each process took to be gone, by name.

    Between two deploys lie `spacing` seconds, and each worker has been seen at work: a process that is stopped while it
    still starts shows nothing.
    """

    def __init__(self, stack: Stack, count: int, spacing: float) -> None:
        self.stop_seconds: dict[str, list[float]] = {name: [] for name in (*stack.workers, BEAT)}
        self._stack = stack
        self._left, self._spacing = count, spacing
        self._stopping: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._at_work: set[str] = set()
        self._rested_at = self._glanced_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        return not self._left and not self._stopping

    def watch(self) -> None:
        now = time.monotonic()
        if self._stopping:
            self._see_off(now)
        elif self._left and now - self._glanced_at >= GLANCE_SECONDS:
            self._glanced_at = now
            self._at_work.update(self._stack.busy_workers())
            if self._is_time(now):
                self._begin(now)

    def _is_time(self, now: float) -> bool:
        rest = now - self._rested_at
        are_up = all(self._stack.members[name].is_up for name in self.stop_seconds)
        return are_up and (
            rest >= AT_WORK_SECONDS or (rest >= self._spacing and len(self._at_work) == len(self._stack.workers))
        )

    def _begin(self, now: float) -> None:
        self._left -= 1
        self._at_work.clear()
        for name in self.stop_seconds:
            process = self._stack.members[name].process
            process.terminate()
            self._stopping[name] = process, now

    def _see_off(self, now: float) -> None:
        for name, (process, asked_at) in list(self._stopping.items()):
            if process.poll() is None and now - asked_at < GRACE_SECONDS:
                continue
            kill_all_of(process)
            self.stop_seconds[name].append(round(now - asked_at, 2))
            del self._stopping[name]
        self._rested_at = now
