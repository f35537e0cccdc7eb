"""A PostgreSQL server for tests: empty, on a free port, gone afterwards.

In a test run:      with running_postgres() as database_url: ...
By hand:            python -m tests.stack.postgres      prints DATABASE_URL=..., stays until Ctrl-C.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.ports import any_free
from tools.postgres import PostgresServer, temporary_folder
from tools.supervisor import Interrupted, Supervisor, running
from tools.terminal import say


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of an empty database `portal` whose role may create further ones."""
    with temporary_folder() as folder:
        server = PostgresServer(folder, any_free(), durable=False)
        with running(server.service(), folder / "postgres.log"):
            yield server.url


def main() -> None:
    with temporary_folder() as folder, suppress(Interrupted), Supervisor(Path(folder)) as supervisor:
        server = PostgresServer(folder, any_free(), durable=False)
        supervisor.start(server.service())
        say(f"DATABASE_URL={server.url}")
        supervisor.watch()


if __name__ == "__main__":
    main()
