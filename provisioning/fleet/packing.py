"""A chart's folder as one archive: the same content gives the same bytes, whenever and wherever it is packed."""

import gzip
import io
import tarfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from portal.core.errors import Invalid

IGNORE_FILE: Final = ".helmignore"
ALWAYS_IGNORED: Final = ("templates/.?*",)  # as Helm does
FILE_MODE: Final = 0o644


def pack(folder: Path, name: str) -> bytes:
    """The folder's files below one folder of that name, but for those that .helmignore leaves out.

    Raises Invalid for links: what they point to is not part of the chart.
    """
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in _files(folder, _patterns(folder), PurePosixPath()):
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix()}")
            entry.size, entry.mode = len(content), FILE_MODE
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(files.getvalue(), mtime=0)


def _files(folder: Path, ignored: Sequence[str], within: PurePosixPath) -> Iterator[Path]:
    for path in sorted(folder.joinpath(within).iterdir()):
        relative = within / path.name
        if _is_ignored(relative, ignored, is_folder=path.is_dir()):
            continue
        if path.is_symlink():
            raise Invalid(f"{path} is a link. Put what it points to into the chart.", field="chart")
        if path.is_dir():
            yield from _files(folder, ignored, relative)
        else:
            yield path


def _patterns(folder: Path) -> list[str]:
    file = folder / IGNORE_FILE
    lines = file.read_text().splitlines() if file.is_file() else []
    own = [line.strip() for line in lines]
    return [*(line for line in own if line and not line.startswith("#")), *ALWAYS_IGNORED]


def _is_ignored(path: PurePosixPath, patterns: Sequence[str], *, is_folder: bool) -> bool:
    """By Helm's rules: the first that says so decides; what begins with `!` ignores whatever it does not match."""
    for line in patterns:
        pattern, is_negated = line.removeprefix("!"), line.startswith("!")
        matches = (is_folder or not pattern.endswith("/")) and _matches(path, pattern.rstrip("/"))
        if matches is not is_negated:
            return True
    return False


def _matches(path: PurePosixPath, pattern: str) -> bool:
    """A pattern with a slash sees the whole path, any other the last part."""
    if "/" in pattern:
        return PurePosixPath("/", path).match(f"/{pattern.removeprefix('/')}")
    return fnmatchcase(path.name, pattern)
