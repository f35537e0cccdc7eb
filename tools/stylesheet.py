"""Whether the committed stylesheet is what its source compiles to. Node is only needed for this check."""

import shutil

from tools.paths import PROJECT
from tools.processes import Command
from tools.supervisor import Supervisor
from tools.terminal import Refused

_INSTALLED = PROJECT / "node_modules" / ".package-lock.json"


def why_unchecked(supervisor: Supervisor) -> str | None:
    """None when npm and the compiler are at hand; else why the check can't be made here."""
    if not shutil.which("npm"):
        return "npm is not installed"
    if _is_installed():
        return None
    try:
        supervisor.run("npm-ci", Command(["npm", "ci", "--no-audit", "--no-fund"], folder=PROJECT))
    except Refused as refusal:
        return str(refusal)
    return None


def _is_installed() -> bool:
    lock = PROJECT / "package-lock.json"
    return _INSTALLED.exists() and _INSTALLED.stat().st_mtime >= lock.stat().st_mtime
