"""What the customer has to tell of a part before it can be made: what it must look like, and how it is written down."""

import re
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from portal.core.errors import Invalid
from provisioning.fleet.features import ALLOW_LIST, CUSTOM_DOMAIN, PRIVATE_CONNECTIVITY

ADDRESSES, SERVICE_ATTACHMENT, HOST, CUSTOM_NAME = "addresses", "service_attachment", "host", "name"
ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    ALLOW_LIST: (ADDRESSES,),
    PRIVATE_CONNECTIVITY: (SERVICE_ATTACHMENT, HOST),
    CUSTOM_DOMAIN: (CUSTOM_NAME,),
}
MOST_ADDRESSES: Final = 50
# Wider than anything that one company has; two halves of the internet would be no list.
WIDEST: Final = {4: 8, 6: 20}
# What nobody comes from who reaches a public address: RFC 1918, 6598, 3927, 1122, 5771, 4193, 4291.
NEVER_OUTSIDE: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16", "224.0.0.0/3", "::/8", "fc00::/7", "fe80::/10", "ff00::/8",
        ),
    )
)  # fmt: skip
# https://cloud.google.com/compute/docs/reference/rest/v1/serviceAttachments: as a name, or as the whole URL.
ATTACHMENT: Final = re.compile(
    r"(?:https://(?:www|compute)\.googleapis\.com/compute/v1/)?"
    r"(projects/(?:[a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]/regions/([a-z0-9-]+)"
    r"/serviceAttachments/[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)"
)
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME: Final = re.compile(rf"(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
LONGEST_NAME: Final = 253
# What the instance itself calls there must not lead elsewhere.
GOOGLES: Final = ("googleapis.com", "gcr.io", "pkg.dev", "google.internal", "cluster.local")
# Nobody but Google leads these anywhere.
GOOGLES_SITES: Final = (*GOOGLES, "google.com", "goog", "run.app", "appspot.com", "web.app", "cloudfunctions.net")
# Not of the public DNS: RFC 2606, 6761, 6762, 7686, and ICANN's .internal. Where our own names are such, theirs may be.
NEVER_PUBLIC: Final = ("test", "example", "invalid", "localhost", "local", "internal", "onion", "arpa")
LONGEST_CERTIFIED: Final = 63  # Google's limit for a name in a managed certificate

Network = IPv4Network | IPv6Network


def details_asked(parts: Iterable[str]) -> tuple[str, ...]:
    """The names of what has to be told for these parts, in the order in which it is asked for."""
    return tuple(name for part in parts for name in ASKED.get(part, ()))


def is_told(parts: Iterable[str], details: Mapping[str, Any]) -> bool:
    """Whether all that has to be told is there."""
    return all(details.get(name) for name in details_asked(parts))


def check_details(parts: Collection[str], details: Mapping[str, Any], *, region: str) -> dict[str, Any]:
    """The details as they are written down: what the parts ask for and nothing else.

    Raises Invalid, with the detail as its field, for what is missing or cannot be.
    """
    asked = details_asked(parts)
    if unknown := sorted(set(details) - set(asked)):
        raise Invalid(f"Nothing asks for {', '.join(unknown)}.", field=unknown[0])
    return {name: check_detail(name, details.get(name), region=region) for name in asked}


def check_detail(name: str, value: Any, *, region: str) -> Any:
    """One of them, as it is written down. Raises Invalid with its name as the field."""
    if name == ADDRESSES:
        return _addresses(value)
    if name == CUSTOM_NAME:
        return _custom_name(value)
    return _service_attachment(value, region) if name == SERVICE_ATTACHMENT else _host(value)


def lets_in(addresses: Iterable[str], address: str) -> bool:
    """Whether who comes from that address is on the list; what is no address is on none."""
    try:
        return any(ip_address(address) in ip_network(each) for each in addresses)
    except ValueError:
        return False


def _addresses(value: Any) -> list[str]:
    told = [str(each).strip() for each in value] if isinstance(value, list | tuple) else []
    networks = {_network(each) for each in told if each}
    if not networks:
        raise Invalid("Name at least one address that people come from.", field=ADDRESSES)
    kept = sorted((each for each in networks if not _is_within_another(each, networks)), key=_order)
    if len(kept) > MOST_ADDRESSES:
        raise Invalid(f"These are {len(kept)} ranges; {MOST_ADDRESSES} is the most.", field=ADDRESSES)
    return [str(network) for network in kept]


def _network(text: str) -> Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise Invalid(f"“{text[:60]}” is not an address or a range such as 203.0.113.0/24.", field=ADDRESSES) from None
    if network.prefixlen < WIDEST[network.version]:
        widest = f"/{WIDEST[network.version]}"
        raise Invalid(f"{network} is too wide: {widest} is the widest range that can be let in.", field=ADDRESSES)
    if any(network.version == other.version and network.overlaps(other) for other in NEVER_OUTSIDE):
        raise Invalid(
            f"{network} is a private or reserved range. Name the public addresses that your network goes out from.",
            field=ADDRESSES,
        )
    return network


def _is_within_another(network: Network, others: Iterable[Network]) -> bool:
    return any(
        other != network and other.version == network.version and network.subnet_of(other)  # type: ignore[arg-type]
        for other in others
    )


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _service_attachment(value: Any, region: str) -> str:
    found = ATTACHMENT.fullmatch(str(value or "").strip())
    if found is None:
        raise Invalid(
            "It looks like projects/PROJECT/regions/REGION/serviceAttachments/NAME.", field=SERVICE_ATTACHMENT
        )
    if found[2] != region:
        raise Invalid(
            f"The instance is in {region}, and the service attachment in {found[2]}. Both have to be in one region: "
            f"publish the service in {region} as well.",
            field=SERVICE_ATTACHMENT,
        )
    return found[1]


def _host(value: Any) -> str:
    name = _name(value, HOST, "git.acme.internal")
    taken = (*GOOGLES, *(domain for domain in (settings.INSTANCE_DOMAIN,) if domain))
    if _is_below(name, taken):
        raise Invalid(f"{name} is a name that the instance itself depends on. Choose another.", field=HOST)
    return name


def _custom_name(value: Any) -> str:
    name = _name(value, CUSTOM_NAME, "code.acme.com")
    portal = urlsplit(settings.PORTAL_URL).hostname or ""
    if _is_below(name, (settings.INSTANCE_DOMAIN, portal)):
        raise Invalid(f"{name} is one of our own names. Choose one of yours.", field=CUSTOM_NAME)
    if _is_below(name, GOOGLES_SITES):
        raise Invalid(f"{name} is one of Google's names. Choose one of yours.", field=CUSTOM_NAME)
    if _is_below(name, set(NEVER_PUBLIC) - {settings.INSTANCE_DOMAIN.rpartition(".")[2]}):
        raise Invalid(
            f"{name} is not a name of the public internet, so that it gets no certificate.", field=CUSTOM_NAME
        )
    if len(name) > LONGEST_CERTIFIED:
        raise Invalid(
            f"That name has {len(name)} characters; certificates take up to {LONGEST_CERTIFIED}.", field=CUSTOM_NAME
        )
    return name


def _name(value: Any, field: str, such_as: str) -> str:
    name = str(value or "").strip().rstrip(".").lower()
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise Invalid(f"It is a host name with a dot in it, such as {such_as}.", field=field)
    return name


def _is_below(name: str, domains: Iterable[str]) -> bool:
    return any(f".{name}".endswith(f".{domain}") for domain in domains if domain)
