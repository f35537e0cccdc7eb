"""What a look inside an instance consists of: its pods, its disks, its database, its certificate, its standby.

Each part is looked at apart, and what goes wrong with one says nothing about the others. Nothing here waits for
anything but an answer, and for none for long.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from provisioning.clients.google import GoogleError
from provisioning.clients.google.session import NO_ANSWER as GOOGLE_IS_SILENT
from provisioning.clients.kubernetes import NO_ANSWER as CLUSTER_IS_SILENT
from provisioning.clients.kubernetes import REFUSED
from provisioning.engine.action import NotYet, Refused
from provisioning.health.inside.certificate import look_at_certificate
from provisioning.health.inside.database import look_at_database
from provisioning.health.inside.disks import look_at_disks
from provisioning.health.inside.findings import Finding, Subject, What, unknown
from provisioning.health.inside.pods import look_at_pods
from provisioning.health.inside.standby import look_at_standby

Look = Callable[[Subject], Finding]
LOOKS: Final[tuple[tuple[What, Look], ...]] = (
    (What.PODS, look_at_pods),
    (What.DISK, look_at_disks),
    (What.DATABASE, look_at_database),
    (What.CERTIFICATE, look_at_certificate),
    (What.STANDBY, look_at_standby),
)
MOST_SECONDS: Final = 20.0  # after which nothing more of an instance is begun
OUTSIDE: Final = (GoogleError, NotYet, Refused, REFUSED, CLUSTER_IS_SILENT, *GOOGLE_IS_SILENT)
log = structlog.get_logger(__name__)


def look_inside(subject: Subject) -> Iterator[tuple[Finding, str]]:
    """What is found of each part, one by one, with why it could not be looked at, "" where it could."""
    until = time.monotonic() + MOST_SECONDS
    for what, look in LOOKS:
        if time.monotonic() >= until:
            yield unknown(what, "There was no time left to look at it."), f"{what}: no time was left."
        else:
            yield _looked(subject, what, look)


def _looked(subject: Subject, what: What, look: Look) -> tuple[Finding, str]:
    try:
        return look(subject), ""
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, OUTSIDE):
            log.exception("health.look-failed", instance=subject.spec.id, what=what)
        return unknown(what, f"It could not be looked at: {why}"), f"{what}: {why}"
