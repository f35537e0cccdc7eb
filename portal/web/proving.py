"""What a certificate of deletion says, for people and for programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from provisioning.models import Certificate

KEPT = "gs://"  # what is in a bucket was put there to outlive the instance


@dataclass(frozen=True)
class CertificateLine:
    """One object that is gone, or is kept on purpose.

    `confirmed_at` is None where nobody could confirm it: `confirmed` then says so.
    """

    title: str
    resource: str
    confirmed: str
    asked_at: datetime | None
    confirmed_at: datetime | None

    @property
    def is_kept(self) -> bool:
        return self.resource.startswith(KEPT)


@dataclass(frozen=True)
class CertificateStory:
    """Names are those that the deletion was begun with: the address may belong to somebody else by now."""

    certificate: Certificate
    slug: str
    domain: str
    lines: tuple[CertificateLine, ...]

    @property
    def objects(self) -> list[CertificateLine]:
        return [line for line in self.lines if line.resource and not line.is_kept]

    @property
    def kept(self) -> list[CertificateLine]:
        """The final backup, where there is one."""
        return [line for line in self.lines if line.is_kept]

    @property
    def checks(self) -> list[CertificateLine]:
        """What was done beside: the proof that nothing is left."""
        return [line for line in self.lines if not line.resource]

    @property
    def is_complete(self) -> bool:
        """Whether everything was confirmed with the cloud, and nothing is only somebody's word."""
        return all(line.confirmed_at for line in self.lines)


def prove(certificate: Certificate) -> CertificateStory:
    """The certificate as its page shows it. One query for its operation."""
    wanted = certificate.operation.wanted
    lines = tuple(_line(document) for document in certificate.lines)
    return CertificateStory(certificate, wanted["slug"], wanted["domain"], lines)


def _line(document: dict[str, Any]) -> CertificateLine:
    return CertificateLine(
        title=document["title"],
        resource=document["resource"],
        confirmed=document["confirmed"],
        asked_at=_moment(document["asked_at"]),
        confirmed_at=_moment(document["confirmed_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
