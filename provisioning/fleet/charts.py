"""Charts are fetched once, from wherever they are, and kept under their digest (decision 7)."""

import hashlib
import io
import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from portal.core.errors import Invalid
from provisioning.clients.helm import HelmFailed, pull
from provisioning.fleet.packing import pack
from provisioning.models import Chart, Release
from provisioning.outcomes import Refused

CHART_FILE, ARCHIVE_ENDING = "Chart.yaml", ".tgz"
MOST_BYTES: Final = 1_000_000  # Helm keeps it in each revision's Secret, which holds no more
LONGEST_SOURCE: Final = 400
SCHEMES: Final = ("oci", "https", "http")
NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,79}")
VERSION: Final = re.compile(r"[0-9A-Za-z][\w.+-]{0,39}")


@dataclass(frozen=True)
class Archive:
    """A chart as one file, as Helm reads it. `source` says where it was fetched from."""

    name: str
    version: str
    source: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def is_looked_up(reference: str) -> bool:
    """Whether the reference leads to charts of many versions."""
    return "://" in reference and not reference.endswith(ARCHIVE_ENDING)


def fetch(reference: str, version: str = "") -> Archive:
    """The chart's archive. A reference is one of:

    - oci://registry/path/to/chart
    - https://repository/chart: the last part is the chart's name in the repository before it
    - https://server/path/chart.tgz, or the path of an archive here
    - the path of a folder here

    Without a version it is the newest, or whatever is there. Raises Invalid when it is not there, is no chart, or is of
    another version.
    """
    reference = reference.strip()
    content = _pulled(reference, version) if "://" in reference else _read(Path(reference))
    return _checked(content, reference, version)


def pin(archive: Archive) -> Chart:
    """The archive lies in the database, once however often it is pinned."""
    known = {"name": archive.name, "version": archive.version, "source": archive.source, "archive": archive.content}
    return Chart.objects.get_or_create(digest=archive.digest, defaults=known)[0]


def digest_of(app_version: str) -> str:
    """Of the chart that is pinned to that release; empty without one."""
    pinned = Release.objects.filter(app_version=app_version, chart__isnull=False)
    return pinned.values_list("chart_id", flat=True).first() or ""


def archive_of(app_version: str) -> bytes:
    """The chart that is pinned to that release. Raises Refused for a release without one."""
    chart = Chart.objects.filter(releases__app_version=app_version).first()
    if chart is None:
        why = f"Release {app_version} has no chart in the database."
        raise Refused(why, f"Import it with “manage.py release_import {app_version}”, then retry the step.")
    return bytes(chart.archive)


def _pulled(reference: str, version: str) -> bytes:
    parts = urlsplit(reference)
    if parts.scheme not in SCHEMES or not parts.hostname or not parts.path.strip("/"):
        raise Invalid(f"“{reference}” is no reference to a chart: it begins with oci:// or https://.", field="chart")
    if parts.username or parts.password:
        raise Invalid("Leave name and password out of the reference: it is shown to many.", field="chart")
    try:
        if parts.scheme == "oci":
            return pull(reference, version=version)
        if parts.path.endswith(ARCHIVE_ENDING):
            return pull(reference)
        repository, _, name = reference.rstrip("/").rpartition("/")
        return pull(name, repository=repository, version=version)
    except (Refused, HelmFailed) as error:
        raise Invalid(f"The chart could not be fetched: {error}", field="chart") from None


def _read(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    if not (path / CHART_FILE).is_file():
        raise Invalid(f"There is no chart at {path}: no archive, and no folder with a {CHART_FILE}.", field="chart")
    name = str(_described((path / CHART_FILE).read_bytes()).get("name"))
    return pack(path, name if NAME.fullmatch(name) else "chart")


def _checked(content: bytes, reference: str, version: str) -> Archive:
    if len(content) > MOST_BYTES:
        raise Invalid(f"The chart has {len(content):,} bytes; Helm can keep {MOST_BYTES:,}.", field="chart")
    described, bundled = _opened(content, reference)
    name, found = str(described.get("name") or ""), str(described.get("version") or "")
    if not NAME.fullmatch(name) or not VERSION.fullmatch(found):
        raise Invalid(f"{CHART_FILE} of {reference} has no good name and version.", field="chart")
    if version and found != version:
        raise Invalid(f"The chart at {reference} is of version {found}, not {version}.", field="chart_version")
    if lacking := [needed for needed in _needed(described) if not _is_in(bundled, needed)]:
        raise Invalid(f"The chart does not bring what it depends on: {', '.join(lacking)}.", field="chart")
    return Archive(name, found, reference[:LONGEST_SOURCE], content)


def _opened(content: bytes, reference: str) -> tuple[dict[str, Any], set[str]]:
    """What Chart.yaml in the archive's one folder says, and what lies in its folder of charts."""
    described, bundled = b"", set[str]()
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for entry in archive:
                _, *parts = Path(entry.name).parts or ("",)
                if parts == [CHART_FILE] and (file := archive.extractfile(entry)):
                    described = file.read()
                if parts[:1] == ["charts"]:
                    bundled.update(parts[1:2])
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise Invalid(f"{reference} is no archive of a chart: {error}.", field="chart") from None
    if not described:
        raise Invalid(f"{reference} is no chart: the archive has no {CHART_FILE}.", field="chart")
    return _described(described), bundled


def _described(text: bytes) -> dict[str, Any]:
    try:
        described = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Invalid(f"The chart's {CHART_FILE} cannot be read: {error}", field="chart") from None
    return described if isinstance(described, dict) else {}


def _needed(described: dict[str, Any]) -> list[str]:
    return [str(needed["name"]) for needed in described.get("dependencies") or () if "name" in needed]


def _is_in(bundled: set[str], chart: str) -> bool:
    """As a folder, or as an archive that has its version in its name."""
    archives = {found for found in bundled if found.endswith(ARCHIVE_ENDING)}
    return chart in bundled or any(found.startswith(f"{chart}-") for found in archives)
