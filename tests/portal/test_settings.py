import re
from pathlib import Path

from django.conf import settings


def test_every_setting_of_the_environment_is_documented_and_none_is_invented():
    source = (Path(settings.BASE_DIR) / "portal" / "settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', source))
    documented = set(re.findall(r"[A-Z][A-Z_]{2,}", "".join(_first_cells())))
    assert read == documented


def _first_cells() -> list[str]:
    lines = (Path(settings.BASE_DIR) / "docs" / "settings.md").read_text().splitlines()
    return [line.split("|")[1] for line in lines if line.startswith("|")]
