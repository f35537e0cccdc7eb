"""The virtual environment in .venv: made once, marked when complete, mended when not. Standard library only.

    python3 -m tools.environment runtime|development TOOL [ARGUMENT...]

makes sure that .venv holds what the requirement files name, then becomes `.venv/bin/python -m tools.TOOL ARGUMENT...`.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tools.paths import PROJECT
from tools.terminal import Refused, exit_with, say

REQUIREMENTS = {
    "runtime": ("requirements.txt",),
    "development": ("requirements.txt", "requirements-dev.txt"),
}
_COVERED_BY = {"runtime": ("runtime", "development"), "development": ("development",)}


@dataclass(frozen=True)
class Environment:
    project: Path

    @property
    def folder(self) -> Path:
        return self.project / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def stamp(self, kind: str) -> Path:
        return self.folder / f".complete-{kind}"

    def fingerprint(self, kind: str) -> str:
        """The hash of what a complete environment is made from, and of its path: the scripts in .venv/bin hold it."""
        digest = hashlib.sha256(str(self.project).encode())
        for name in REQUIREMENTS[kind]:
            digest.update((self.project / name).read_bytes())
        return digest.hexdigest()

    def is_complete(self, kind: str) -> bool:
        return self._runs() and any(self._is_stamped(cover) for cover in _COVERED_BY[kind])

    def is_half_made(self) -> bool:
        """Whether .venv exists and no preparation of it ever came to its end, or its Python is gone."""
        stamped = any(self.stamp(kind).exists() for kind in REQUIREMENTS)
        return self.folder.exists() and not (stamped and self._runs())

    def _is_stamped(self, kind: str) -> bool:
        stamp = self.stamp(kind)
        return stamp.exists() and stamp.read_text() == self.fingerprint(kind)

    def _runs(self) -> bool:
        try:
            return subprocess.run([self.python, "-c", ""], check=False).returncode == 0
        except OSError:  # gone with the Python it was made from, or in a folder that is closed to us
            return False


def prepare(environment: Environment, kind: str) -> None:
    """Afterwards .venv holds the requirements of this kind. Two starts at once wait for each other."""
    if environment.is_complete(kind):
        return
    with _lock(environment.project):
        if not environment.is_complete(kind):
            _build(environment, kind)


def main(arguments: list[str]) -> NoReturn:
    kind, tool, *rest = arguments
    environment = Environment(PROJECT)
    prepare(environment, kind)
    os.execv(environment.python, [str(environment.python), "-m", f"tools.{tool}", *rest])  # noqa: S606 - no shell wanted


def _build(environment: Environment, kind: str) -> None:
    if environment.is_half_made():
        say("The Python environment in .venv was left unfinished; making it anew.")
        shutil.rmtree(environment.folder)
    say(f"Preparing the Python environment in .venv ({kind}); this takes a minute, once.")
    for other in REQUIREMENTS:
        environment.stamp(other).unlink(missing_ok=True)
    if not environment.folder.exists():
        _run(environment, [sys.executable, "-m", "venv", str(environment.folder)])
    pip = [str(environment.python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run(environment, [*pip, "--requirement", REQUIREMENTS[kind][-1]])
    environment.stamp(kind).write_text(environment.fingerprint(kind))


def _run(environment: Environment, command: list[str]) -> None:
    # What the caller's shell knows about other environments must not leak into this one.
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "VIRTUAL_ENV"}}
    done = subprocess.run(command, cwd=environment.project, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        words = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        tail = "\n".join(f"  {line}" for line in words[-12:])
        raise Refused(f"The Python environment could not be made. `{' '.join(command)}` said:\n{tail}")


@contextmanager
def _lock(project: Path) -> Iterator[None]:
    try:
        (project / "var").mkdir(exist_ok=True)
        with (project / "var" / "environment.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as refusal:
        raise Refused(f"{project} is not yours to write in ({refusal.filename}). Use a clone of your own.") from refusal


if __name__ == "__main__":
    exit_with(main)
