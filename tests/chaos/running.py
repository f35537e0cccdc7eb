"""bin/chaos as the tests run it: in a process of its own, its last line read."""

import json
import subprocess
import sys
from typing import Any

from tools.paths import PROJECT

ZEROS = ("lost", "duplicated", "leaked", "stuck", "manual_actions")


def chaos(*options: object) -> dict[str, Any]:
    """What it counted. Nothing is lost, doubled, leaked or stuck, and nobody had to help."""
    command = [sys.executable, "-m", "tools.chaos", "--json", *map(str, options)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert {name: result[name] for name in ZEROS} == dict.fromkeys(ZEROS, 0)
    return result
