"""Where the tests find the programs that they run."""

import os
import shutil
from pathlib import Path

_TOOLS = Path(__file__).parents[2] / "var" / "tools" / "bin"


def helm_path() -> str:
    """The helm of this project's tools, else the one on PATH. Raises FileNotFoundError with what to do."""
    found = shutil.which("helm", path=os.pathsep.join([str(_TOOLS), os.environ.get("PATH", "")]))
    if found is None:
        raise FileNotFoundError(f"There is no helm on PATH or in {_TOOLS}; bin/test fetches one.")
    return found
