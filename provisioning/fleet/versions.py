"""Versions of the application, sorted and told apart as people do."""

import re

WELL_FORMED = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z]+([.-][0-9A-Za-z]+)*)?")
Order = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def order(version: str) -> Order:
    """A key that sorts 5.9.0, 5.10.0-rc.2, 5.10.0-rc.10, 5.10.0. Source: https://semver.org, 2.0.0, item 11."""
    numbers, _, suffix = version.partition("-")
    parts = re.findall(r"[0-9A-Za-z]+", suffix)
    return (
        tuple(int(number) for number in re.findall(r"\d+", numbers)),
        not suffix,
        tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts),
    )


def is_newer(one: str, other: str) -> bool:
    """Whether `one` comes after `other`."""
    return order(one) > order(other)


def is_well_formed(version: str) -> bool:
    """Whether it is three numbers, and perhaps a suffix, such as 5.11.0 or 6.0.0-rc.1."""
    return WELL_FORMED.fullmatch(version) is not None


def kind_after(version: str, before: str | None) -> str:
    """Whether the step from `before` is "major", "minor" or "patch"; without one, its own zeros tell."""
    major, minor, patch = (*order(version)[0], 0, 0, 0)[:3]
    if before is None:
        return "patch" if patch else "minor" if minor else "major"
    major_before, minor_before, _ = (*order(before)[0], 0, 0, 0)[:3]
    return "major" if major != major_before else "minor" if minor != minor_before else "patch"
