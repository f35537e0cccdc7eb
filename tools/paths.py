"""Where things lie, seen from the project's folder."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VAR = PROJECT / "var"
LOGS = VAR / "log"
VENV = PROJECT / ".venv"
