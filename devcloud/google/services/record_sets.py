"""Cloud DNS: record sets of zones, changed one by one or together."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from devcloud.clock import rfc3339
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements

ZONES = "dns.managedZones"
RECORD_SETS = "dns.resourceRecordSets"
CHANGES = "dns.changes"

_TYPES = {"A", "AAAA", "CAA", "CNAME", "MX", "NS", "SOA", "SRV", "TXT"}
_HOST = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+")


@implements("dns.managedZones.get")
def _get_zone(call: Call) -> Json:
    return _need_zone(call)


@implements("dns.managedZones.list")
def _list_zones(call: Call) -> Json:
    zones = resources.below(call, ZONES, f"projects/{call.project}/managedZones/")
    if wanted := call.get("dnsName"):
        zones = [zone for zone in zones if zone["dnsName"] == wanted]
    return resources.page(call, "managedZones", zones)


@implements("dns.resourceRecordSets.list")
def _list(call: Call) -> Json:
    _need_zone(call)
    found = resources.below(call, RECORD_SETS, f"{_zone_name(call)}/rrsets/")
    for field in ("name", "type"):
        if wanted := call.get(field):
            found = [records for records in found if records[field] == wanted]
    return resources.page(call, "rrsets", found)


@implements("dns.resourceRecordSets.get")
def _get(call: Call) -> Json:
    _need_zone(call)
    return resources.need(call, RECORD_SETS, _key(call, {"name": call["name"], "type": call["type"]}))


@implements("dns.resourceRecordSets.create")
def _create(call: Call) -> Json:
    zone = _need_zone(call)
    _check(call, zone, call.body, "rrset")
    return resources.add(call, RECORD_SETS, _key(call, call.body), {"kind": "dns#resourceRecordSet", **call.body})


@implements("dns.resourceRecordSets.delete")
def _delete(call: Call) -> Json:
    _need_zone(call)
    key = _key(call, {"name": call["name"], "type": call["type"]})
    resources.need(call, RECORD_SETS, key)
    call.cloud.store.delete(RECORD_SETS, key)
    return {}


@implements("dns.changes.create")
def _change(call: Call) -> Json:
    """All of it or nothing. What is to be deleted must be given exactly as it is."""
    zone = _need_zone(call)
    deletions, additions = call.body.get("deletions", []), call.body.get("additions", [])
    if not deletions and not additions:
        raise errors.GoogleError(400, "required", "A change needs an addition or a deletion.")
    for index, records in enumerate(deletions):
        _check_deletion(call, records, f"entity.change.deletions[{index}]")
    leaving = {_key(call, records) for records in deletions}
    for index, records in enumerate(additions):
        _check(call, zone, records, f"entity.change.additions[{index}]", leaving)
    for key in leaving:
        call.cloud.store.delete(RECORD_SETS, key)
    for records in additions:
        resources.add(call, RECORD_SETS, _key(call, records), {"kind": "dns#resourceRecordSet", **records})
    change_id = resources.new_id()[:10]
    body = {**call.body, "kind": "dns#change", "id": change_id, "startTime": rfc3339(call.at), "isServing": False}
    ready_at = call.at + call.cloud.profile.seconds("dns.change")
    call.cloud.store.put(CHANGES, f"{_zone_name(call)}/changes/{change_id}", {"body": body, "ready_at": ready_at})
    return {**body, "status": "pending"}


@implements("dns.changes.get")
def _get_change(call: Call) -> Json:
    """`done` means sent to the name servers, not yet seen everywhere."""
    _need_zone(call)
    name = f"{_zone_name(call)}/changes/{call['changeId']}"
    change = call.cloud.store.get(CHANGES, name)
    if change is None:
        raise errors.not_found(name)
    return {**change["body"], "status": "done" if change["ready_at"] <= call.at else "pending"}


def _need_zone(call: Call) -> Json:
    return resources.need(call, ZONES, _zone_name(call))


def _zone_name(call: Call) -> str:
    return f"projects/{call.project}/managedZones/{call['managedZone']}"


def _key(call: Call, records: Json) -> str:
    return f"{_zone_name(call)}/rrsets/{records.get('name')}/{records.get('type')}"


def _check_deletion(call: Call, records: Json, where: str) -> None:
    found = resources.find(call, RECORD_SETS, _key(call, records))
    if found is None:
        message = f"The '{where}' resource named '{records.get('name')} ({records.get('type')})' does not exist."
        raise errors.GoogleError(404, "notFound", message)
    if any(found.get(field) != records.get(field) for field in ("ttl", "rrdatas")):
        raise errors.GoogleError(412, "conditionNotMet", f"Precondition not met for '{where}'.")


def _check(call: Call, zone: Json, records: Json, where: str, leaving: set[str] | None = None) -> None:
    name, kind = records.get("name", ""), records.get("type", "")
    if not _HOST.fullmatch(name) or not f".{name}".endswith(f".{zone['dnsName']}"):
        raise errors.invalid(f"Invalid value for '{where}.name': '{name}'")
    if kind not in _TYPES or not records.get("rrdatas") or not all(_fits(kind, data) for data in records["rrdatas"]):
        raise errors.invalid(f"Invalid value for '{where}.rrdata': {records.get('rrdatas')} as {kind or 'nothing'}")
    for other, entry in call.cloud.store.items(RECORD_SETS, f"{_zone_name(call)}/rrsets/{name}/"):
        if other in (leaving or ()):
            continue
        if other == _key(call, records):
            message = f"The resource '{where}' named '{name} ({kind})' already exists"
            raise errors.GoogleError(409, "alreadyExists", message)
        if "CNAME" in {kind, entry["body"]["type"]}:
            message = f"The resource record set '{where}' is invalid because a CNAME can't share its name."
            raise errors.GoogleError(400, "cnameResourceRecordSetConflict", message)


def _fits(kind: str, data: str) -> bool:
    try:
        if kind == "A":
            IPv4Address(data)
        elif kind == "AAAA":
            IPv6Address(data)
    except AddressValueError:
        return False
    return kind != "CNAME" or bool(_HOST.fullmatch(data))
