"""A Redis server for tests: empty, on a free port, gone afterwards.

In a test run:      with running_redis() as redis_url: ...
By hand:            python -m tests.stack.redis      prints REDIS_URL=..., stays until Ctrl-C.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.ports import any_free
from tools.redis import RedisServer
from tools.supervisor import Interrupted, Supervisor, running
from tools.terminal import say


@contextmanager
def running_redis() -> Iterator[str]:
    """The URL of an empty Redis that keeps nothing on disk."""
    with tempfile.TemporaryDirectory(prefix="portal-redis-") as folder:
        server = RedisServer(Path(folder), any_free(), durable=False)
        with running(server.service(), Path(folder) / "redis.log"):
            yield server.url


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="portal-redis-") as folder,
        suppress(Interrupted),
        Supervisor(Path(folder)) as supervisor,
    ):
        server = RedisServer(Path(folder), any_free(), durable=False)
        supervisor.start(server.service())
        say(f"REDIS_URL={server.url}")
        supervisor.watch()


if __name__ == "__main__":
    main()
