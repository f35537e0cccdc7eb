"""The prober: looks at every running instance from outside, and writes down for how long which did not answer.

One process, one event loop, and one thread for the database. Several may run: one works, the others stand by and take
over within a second of its end. While the database is away it goes on looking, and writes once that is back.

A thousand instances at rest take about 4 % of a core (bin/bench probes).
"""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

import structlog

from provisioning.health.lateness import Lateness
from provisioning.health.ledger import Ledger
from provisioning.health.looks import Look, Target
from provisioning.health.outside import Outside
from provisioning.health.watches import Watches

log = structlog.get_logger(__name__)
ROUND_SECONDS = 1.0
ROUNDS_A_LIST = 3  # whom to look at is read again every so many rounds
LAST_WRITE_SECONDS = 0.6


async def probe_until_told_to_stop() -> bool:
    """Instances are looked at until SIGTERM or SIGINT; whether all that was seen is written."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return await Prober(Ledger()).run(stopped)


class Prober:
    """One of those that run side by side."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._rounds = 0
        self._standing = ""

    async def run(self, stopped: asyncio.Event) -> bool:
        """It works, or stands by, until `stopped`; whether all that it saw is written."""
        lateness, outside = Lateness(), Outside()
        watches = Watches(outside, lateness)
        measuring = asyncio.create_task(lateness.measure())
        end = asyncio.create_task(stopped.wait())
        while not stopped.is_set():
            going = asyncio.create_task(self._round(watches, outside))
            await asyncio.wait({going, end}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({end}, timeout=ROUND_SECONDS)
        measuring.cancel()
        await watches.stop()
        is_written = await self._write_last(watches.collect().looks)
        await outside.close()
        return is_written

    async def _round(self, watches: Watches, outside: Outside) -> None:
        """What was seen is written; whom to look at is known anew, if it is time."""
        seen = watches.collect()
        if seen.discarded:
            log.warning("looks that are not counted", looks=len(seen.discarded), why=seen.discarded[0])
        targets = await asyncio.get_running_loop().run_in_executor(self._thread, self._write_and_read, seen.looks)
        if targets is None:
            return
        try:
            watches.watch(targets)
            outside.keep_only({target.domain for target in targets})
        except Exception:
            log.exception("some of the list cannot be followed")

    def _write_and_read(self, looks: list[Look]) -> list[Target] | None:
        """Whom to look at; None where no more is known of that than before."""
        self._ledger.note(looks)
        try:
            has_turn = self._ledger.take_turn()
            self._ledger.write()
            self._rounds = self._rounds + 1 if has_turn else 0
            self._stand("at work" if has_turn else "standing by")
            if not has_turn:
                return []
            return self._ledger.targets() if self._rounds % ROUNDS_A_LIST == 1 else None
        except Exception as error:  # noqa: BLE001 - it looks on, whatever the database says
            self._ledger.give_up()
            self._rounds = 0
            self._stand("without the database", error=f"{type(error).__name__}: {error}")
            return None

    def _stand(self, standing: str, **details: str) -> None:
        """How it stands is logged when that changes."""
        if standing != self._standing:
            self._standing = standing
            (log.warning if details else log.info)(f"the prober is {standing}", **details)

    async def _write_last(self, looks: list[Look]) -> bool:
        writing = asyncio.get_running_loop().run_in_executor(self._thread, self._finish, looks)
        self._thread.shutdown(wait=False)
        done, _ = await asyncio.wait({writing}, timeout=LAST_WRITE_SECONDS)
        return bool(done) and writing.result()

    def _finish(self, looks: list[Look]) -> bool:
        self._ledger.note(looks)
        try:
            self._ledger.write_anew()
        except Exception:
            log.exception("what was seen last could not be written")
            return False
        finally:
            self._ledger.give_up()
        return True
