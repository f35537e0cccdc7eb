"""The templates of the infrastructure, each a file of this folder named v1_0, v1_1 and so on (decision 11).

A new one is a file with its `ARCHITECTURE`; nothing lists them but the folder.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from provisioning.fleet.architectures.architecture import Architecture
from provisioning.fleet.versions import order
from provisioning.outcomes import Refused

__all__ = ["ARCHITECTURES", "NEWEST", "Architecture", "architecture_of", "is_unnoticed", "leads_to"]
# What of a template cannot change without a restart: of nodes, and so of all pods, or of the database server.
RESTARTING: Final = ("private_nodes", "private_database", "workload_identity")
_FILE = re.compile(r"v\d+_\d+")


def collected() -> dict[str, Architecture]:
    """What the folder holds, by number, the oldest first."""
    return {found.number: found for found in sorted(_found(), key=lambda found: order(found.number))}


def _found() -> Iterator[Architecture]:
    for module in iter_modules(__path__):
        if _FILE.fullmatch(module.name):
            yield import_module(f"{__name__}.{module.name}").ARCHITECTURE


ARCHITECTURES: Final = collected()
NEWEST: Final = next(reversed(ARCHITECTURES))


def architecture_of(number: str) -> Architecture:
    """The template of that number. Raises Refused for one that this version of the portal does not have."""
    if number not in ARCHITECTURES:
        raise Refused(
            f"This version of the portal has no architecture {number}.", "Retry it with the version that has it."
        )
    return ARCHITECTURES[number]


def leads_to(number: str) -> list[str]:
    """The templates that an instance of this one can be moved to, in their order: all that came from it."""
    reached = {number}
    for found in ARCHITECTURES.values():
        if found.came_from in reached:
            reached.add(found.number)
    return [known for known in ARCHITECTURES if known in reached - {number}]


def is_unnoticed(before: str, after: str) -> bool:
    """Whether a move between these two restarts neither nodes nor the database server. False where one is unknown."""
    if before not in ARCHITECTURES or after not in ARCHITECTURES:
        return False
    return all(getattr(ARCHITECTURES[before], part) == getattr(ARCHITECTURES[after], part) for part in RESTARTING)
