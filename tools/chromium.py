"""A Chromium for the browser tests."""

import os
import shutil
import sys
from pathlib import Path

from tools.processes import Command
from tools.supervisor import Supervisor
from tools.terminal import Refused, say

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def ensure_chromium(supervisor: Supervisor) -> Path:
    """The path of a Chromium: CHROMIUM, or the one on PATH, or Debian's by apt (as root), or Playwright's own."""
    named = os.environ.get("CHROMIUM") or _on_path()
    if named:
        return Path(named)
    if not os.geteuid() and shutil.which("apt-get"):
        _install_by_apt(supervisor)
    return Path(_on_path() or _playwrights(supervisor))


def _on_path() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


def _install_by_apt(supervisor: Supervisor) -> None:
    say("Installing chromium by apt.")
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        supervisor.run("apt-update", Command(["apt-get", "update"], quietly))
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        supervisor.run("apt-install", Command(install, quietly))
    except Refused as refusal:
        say(f"{refusal}\nTrying Playwright's own instead.")


def _playwrights(supervisor: Supervisor) -> str:
    path = supervisor.run("playwright-path", Command([sys.executable, "-c", _ASK_PLAYWRIGHT])).strip()
    if not Path(path).exists():
        say("Installing Playwright's chromium.")
        try:
            supervisor.run("playwright-install", Command([sys.executable, "-m", "playwright", "install", "chromium"]))
        except Refused as refusal:
            raise Refused(
                f"No browser: install Debian's chromium, or name one by CHROMIUM=/path. {refusal}"
            ) from refusal
    return path
