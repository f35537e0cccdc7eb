"""Cloud DNS: zones. What the portal makes are private ones; public ones are there from the start."""

import re

from devcloud.clock import rfc3339
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.compute import relative
from devcloud.google.services.networks import NETWORKS
from devcloud.google.services.record_sets import RECORD_SETS, ZONES

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+")
_SERVERS = "ns-gcp-private.googledomains.com."
_EVERY_ZONES = ("NS", "SOA")


@implements("dns.managedZones.create")
def _create(call: Call) -> Json:
    body = call.body
    for field in ("name", "dnsName", "description"):
        if field not in body:
            raise errors.GoogleError(400, "required", f"Required parameter: entity.managedZone.{field}")
    if not _NAME.fullmatch(body["name"]):
        raise errors.invalid(f"Invalid value for 'entity.managedZone.name': '{body['name']}'")
    if not _DNS_NAME.fullmatch(body["dnsName"]):
        raise errors.invalid(f"Invalid value for 'entity.managedZone.dnsName': '{body['dnsName']}'")
    _check_visibility(call, body)
    name = f"projects/{call.project}/managedZones/{body['name']}"
    made = {"kind": "dns#managedZone", "id": resources.new_id(), "creationTime": rfc3339(call.at), **body}
    found = resources.add(call, ZONES, name, {**made, "nameServers": [_SERVERS]})
    _furnish(call, name, body["dnsName"])
    return found


@implements("dns.managedZones.delete")
def _delete(call: Call) -> Json:
    """Only a zone that is empty but for what every zone has."""
    name = f"projects/{call.project}/managedZones/{call['managedZone']}"
    resources.need(call, ZONES, name)
    records = call.cloud.store.items(RECORD_SETS, f"{name}/rrsets/")
    if any(entry["body"]["type"] not in _EVERY_ZONES for _key, entry in records):
        message = f"The resource named '{call['managedZone']}' cannot be deleted because it is not empty"
        raise errors.GoogleError(400, "containerNotEmpty", message)
    for key, _entry in records:
        call.cloud.store.delete(RECORD_SETS, key)
    call.cloud.store.delete(ZONES, name)
    return {}


def _check_visibility(call: Call, body: Json) -> None:
    """A private zone is seen from networks that are there, and no network sees two zones of one name."""
    if body.get("visibility", "public") != "private":
        raise errors.invalid("devcloud makes private zones only; its public one is there from the start.")
    networks = [found["networkUrl"] for found in body.get("privateVisibilityConfig", {}).get("networks", [])]
    for url in networks:
        if not url.startswith("https://"):
            raise errors.invalid(f"Invalid value for 'entity.managedZone.privateVisibilityConfig': '{url}'")
        resources.need_ready(call, NETWORKS, relative(url), "privateVisibilityConfig.networks")
    for _name, entry in call.cloud.store.items(ZONES, f"projects/{call.project}/"):
        seen = entry["body"].get("privateVisibilityConfig", {}).get("networks", [])
        shared = {relative(found["networkUrl"]) for found in seen} & set(map(relative, networks))
        if entry["body"]["dnsName"] == body["dnsName"] and shared and entry["body"]["name"] != body["name"]:
            raise errors.invalid(f"Network '{min(shared)}' cannot be bound to two zones of '{body['dnsName']}'.")


def _furnish(call: Call, name: str, dns_name: str) -> None:
    data = {"NS": [_SERVERS], "SOA": [f"{_SERVERS} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"]}
    for kind, rrdatas in data.items():
        body = {"kind": "dns#resourceRecordSet", "name": dns_name, "type": kind, "ttl": 21600, "rrdatas": rrdatas}
        resources.add(call, RECORD_SETS, f"{name}/rrsets/{dns_name}/{kind}", body)
