"""Names of customers' own: which one an instance is to have, and whether the public DNS leads a name to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from provisioning.clients.public_dns import NOERROR, NXDOMAIN, Answer, PublicDns
from provisioning.fleet.details import CUSTOM_NAME
from provisioning.fleet.features import CUSTOM_DOMAIN
from provisioning.models import CustomDomain, Kind, Tenancy
from provisioning.spec import InstanceSpec

ISSUER: Final = "pki.goog"  # as CAA records call the authority of Google's managed certificates
LONGEST_FOUND: Final = 300
State = CustomDomain.State


@dataclass(frozen=True)
class Look:
    """What was seen of a name; `found` is where it leads, or who may issue certificates for it."""

    state: State
    found: str = ""


def custom_name(spec: InstanceSpec) -> str:
    """The name of its customer's own that the instance is to answer to as well; "" for none.

    A rehearsal has none, since the name leads to the original; on a brought cluster nobody makes its certificate.
    """
    if spec.kind == Kind.REHEARSAL or spec.tenancy != Tenancy.DEDICATED:
        return ""
    return str(spec.details_of(CUSTOM_DOMAIN).get(CUSTOM_NAME, ""))


def look_up(dns: PublicDns, name: str, own: str) -> Look:
    """How the name stands to the instance whose own name is `own`. Raises NoAnswer of the public DNS."""
    answer = dns.ask(name, "A")
    look = _leads(dns, name, own, answer)
    return _may_be_certified(dns, name) if look.state == State.HERE else look


def _leads(dns: PublicDns, name: str, own: str, answer: Answer) -> Look:
    """An alias of the instance's own name leads there; so does what has just its addresses and no others."""
    if answer.status not in {NOERROR, NXDOMAIN}:
        return Look(State.FAILING)
    aliases, addresses = answer.of("CNAME"), {*answer.of("A")}
    if own in aliases:
        return Look(State.HERE)
    newer = {*dns.ask(name, "AAAA").of("AAAA")}
    if addresses and not newer and addresses == {*dns.ask(own, "A").of("A")}:
        return Look(State.HERE)
    found = ", ".join([*aliases[-1:], *sorted(addresses | newer)])[:LONGEST_FOUND]
    if answer.status == NXDOMAIN or not addresses | newer:
        return Look(State.ELSEWHERE if aliases else State.ABSENT, found)
    return Look(State.ELSEWHERE, found)


def _may_be_certified(dns: PublicDns, name: str) -> Look:
    """Whether the CAA records that apply, its own or those of the nearest name above it, let Google (RFC 8659)."""
    for each in _upwards(name):
        answer = dns.ask(each, "CAA")
        if answer.status not in {NOERROR, NXDOMAIN}:
            return Look(State.FAILING, f"CAA of {each}")
        if records := answer.of("CAA"):
            issuers = [issuer for record in records if (issuer := _issuer(record)) is not None]
            is_let = not issuers or ISSUER in issuers
            found = f"CAA of {each}: {', '.join(filter(None, issuers)) or 'nobody'}"
            return Look(State.HERE) if is_let else Look(State.FORBIDDEN, found[:LONGEST_FOUND])
    return Look(State.HERE)


def _upwards(name: str) -> Iterator[str]:
    labels = name.split(".")
    return (".".join(labels[index:]) for index in range(len(labels) - 1))


def _issuer(record: str) -> str | None:
    """Whom a record such as 0 issue "pki.goog; account=1" lets issue, "" for nobody; None for other records."""
    _flags, _, rest = record.partition(" ")
    tag, _, value = rest.partition(" ")
    return value.strip('"').partition(";")[0].strip().lower() if tag == "issue" else None
