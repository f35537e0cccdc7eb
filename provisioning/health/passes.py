"""The portal's passes: what lets the prober in where an instance answers to some addresses only (decision 17).

Nobody tells it who has an allow list: who answers 403 has its secret store read, in a thread and once a minute at most.
A pass is remembered as long as the process lives, and written down nowhere.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import structlog

from provisioning.steps.reaching import probe_pass_in

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 60.0
AT_ONCE = 4


class Passes:
    """By instance, those that are known. To be used on one event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passes")
        self._known: dict[str, str] = {}
        self._read_at: dict[str, float] = {}
        self._reading: dict[str, asyncio.Future[str | None]] = {}
        self._unreadable: set[str] = set()

    def of(self, instance_id: str) -> str:
        """Its pass; "" where none is known."""
        return self._known.get(instance_id, "")

    def is_open(self, instance_id: str, refused: str) -> bool:
        """Whether another pass than the refused one ("" is none) may be let in: then its store is being read, or is
        read by now. False says that the instance shuts the portal out.
        """
        if instance_id in self._reading or self.of(instance_id) != refused:
            return True
        loop = asyncio.get_running_loop()
        if loop.time() - self._read_at.get(instance_id, float("-inf")) < AGAIN_SECONDS:
            return instance_id in self._unreadable
        self._read_at[instance_id] = loop.time()
        reading = loop.run_in_executor(self._threads, probe_pass_in, instance_id)
        self._reading[instance_id] = reading
        reading.add_done_callback(lambda done: self._learn(instance_id, done))
        return True

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _learn(self, instance_id: str, reading: "asyncio.Future[str | None]") -> None:
        self._reading.pop(instance_id, None)
        if reading.cancelled():
            return
        self._unreadable.discard(instance_id)
        if error := reading.exception():
            self._unreadable.add(instance_id)
            log.warning("a pass cannot be read", instance=instance_id, error=f"{type(error).__name__}: {error}")
        elif value := reading.result():
            self._known[instance_id] = value
        else:
            self._known.pop(instance_id, None)
