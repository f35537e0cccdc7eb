"""The public DNS: records that somebody has told, and those of Cloud DNS's public zones.

Told by the control API, since those are other people's zones (`devcloud/dns_control.py`). Looked up by a resolver that
follows aliases, as every resolver on the internet does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from devcloud.cloud import Cloud

RECORDS: Final = "public_dns.records"
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
ALIAS: Final = "CNAME"
_ZONES, _RECORD_SETS = "dns.managedZones", "dns.resourceRecordSets"
_LONGEST_CHAIN: Final = 8


@dataclass(frozen=True)
class Record:
    """One record of an answer; `name` and names in `data` end with a dot."""

    name: str
    kind: str
    data: str


@dataclass(frozen=True)
class Answer:
    """What a resolver answers: a status of DNS, and the aliases on the way before what was asked for."""

    status: int
    records: tuple[Record, ...] = ()

    def of(self, kind: str) -> tuple[str, ...]:
        """The data of the records of that kind."""
        return tuple(record.data for record in self.records if record.kind == kind)


def tell(cloud: Cloud, name: str, kind: str, told: dict[str, Any]) -> None:
    """Of that name and kind there are these `data`, or a server that fails (`status` SERVFAIL)."""
    cloud.store.put(RECORDS, f"{dotted(name)}|{kind}", told)


def forget(cloud: Cloud, name: str, kind: str = "") -> None:
    """There are no records of that name any more, or none of that kind."""
    for key in [key for key, _told in cloud.store.items(RECORDS, f"{dotted(name)}|{kind}")]:
        cloud.store.delete(RECORDS, key)


def told(cloud: Cloud) -> list[dict[str, Any]]:
    """All that somebody has told."""
    found = ((key.partition("|"), document) for key, document in cloud.store.items(RECORDS))
    return [{"name": name.rstrip("."), "type": kind, **document} for (name, _bar, kind), document in found]


def resolve(cloud: Cloud, name: str, kind: str) -> Answer:
    """The records of that kind, at the end of the chain of aliases that begins with the name."""
    chain, at = list[Record](), dotted(name)
    for _ in range(_LONGEST_CHAIN):
        found = _records(cloud, at)
        if found.get(kind, {}).get("status") or found.get("*", {}).get("status"):
            return Answer(SERVFAIL)
        alias = found.get(ALIAS, {}).get("data", ())
        if alias and kind != ALIAS:
            chain.append(Record(at, ALIAS, dotted(alias[0])))
            at = dotted(alias[0])
            continue
        records = tuple(Record(at, kind, each) for each in found.get(kind, {}).get("data", ()))
        is_there = bool(found) or any(True for _below in _names_below(cloud, at))
        return Answer(NOERROR if is_there else NXDOMAIN, (*chain, *records))
    return Answer(SERVFAIL)  # a loop


def end_of(cloud: Cloud, name: str) -> str:
    """The name that this one is an alias of at last, without its dot; mostly itself."""
    aliases = resolve(cloud, name, "A").of(ALIAS)
    return (aliases[-1] if aliases else dotted(name)).rstrip(".")


def issuers(cloud: Cloud, name: str) -> Answer:
    """The CAA records that apply to the name: its own, or those of the nearest above it (RFC 8659)."""
    labels = name.rstrip(".").split(".")
    for index in range(len(labels)):
        found = resolve(cloud, ".".join(labels[index:]), "CAA")
        if found.status == SERVFAIL or found.of("CAA"):
            return found
    return Answer(NOERROR)


def dotted(name: str) -> str:
    return f"{name.lower().rstrip('.')}."


def _records(cloud: Cloud, name: str) -> dict[str, dict[str, Any]]:
    """By kind, as told; and as Cloud DNS has them in zones that everybody sees."""
    found = {key.split("|")[1]: document for key, document in cloud.store.items(RECORDS, f"{name}|")}
    for zone in _public_zones(cloud):
        for _key, entry in cloud.store.items(_RECORD_SETS, f"{zone}/rrsets/{name}/"):
            found[entry["body"]["type"]] = {"data": entry["body"]["rrdatas"]}
    return found


def _names_below(cloud: Cloud, name: str) -> Iterator[str]:
    """A name with others below it is there, even if it has no records."""
    for key, _told in cloud.store.items(RECORDS):
        if key.split("|")[0].endswith(f".{name}"):
            yield key
    for zone in _public_zones(cloud):
        entry = cloud.store.get(_ZONES, zone)
        if entry and entry["body"].get("dnsName", "").endswith(f".{name}"):
            yield zone


def _public_zones(cloud: Cloud) -> Iterator[str]:
    for zone, entry in cloud.store.items(_ZONES):
        if entry["body"].get("visibility") != "private":
            yield zone
