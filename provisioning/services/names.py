"""Which names an instance may bear."""

import re
from dataclasses import dataclass

from django.conf import settings

from provisioning.models import Instance, InstanceStatus

SHORTEST, LONGEST = 3, 32
LEGAL = re.compile(r"[a-z](?:[a-z0-9]|-(?!-))*[a-z0-9]")
RESERVED = frozenset(
    """about account accounts admin administrator api app assets auth billing blog cdn cloud console dashboard demo dev
    devcloud docs download email enterprise ftp git grafana health help host imap internal kubernetes localhost login
    mail metrics monitoring ns ns1 ns2 portal postmaster prod production root sales security signup smtp sourcegraph
    sso staging static status support system test trial trials webhook webhooks webmaster www""".split()
)


@dataclass(frozen=True)
class NameVerdict:
    """Whether a name can be had; if not, `sentence` says why, and what to try."""

    slug: str
    is_free: bool
    sentence: str

    @property
    def domain(self) -> str:
        return domain_of(self.slug)


def domain_of(slug: str) -> str:
    """Where an instance of this name is opened."""
    return f"{slug}.{settings.INSTANCE_DOMAIN}"


def check_slug(slug: str) -> NameVerdict:
    """The verdict on a name. Only a database constraint decides in the end; this is the friendly word before."""
    if sentence := _illegal(slug):
        return NameVerdict(slug, is_free=False, sentence=sentence)
    if Instance.objects.exclude(status=InstanceStatus.DELETED).filter(slug=slug).exists():
        return NameVerdict(slug, is_free=False, sentence=f"“{slug}” is taken. Try another name.")
    return NameVerdict(slug, is_free=True, sentence=f"{domain_of(slug)} is free.")


def _illegal(slug: str) -> str:
    if not SHORTEST <= len(slug) <= LONGEST:
        return f"A name has {SHORTEST} to {LONGEST} characters."
    if not LEGAL.fullmatch(slug):
        return "Use small letters, digits and single hyphens; begin with a letter, end with a letter or digit."
    if slug in RESERVED:
        return f"“{slug}” is reserved. Try another name."
    return ""
