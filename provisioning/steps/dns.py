"""The instance's name: Cloud DNS, in the one zone that all instances share."""

from dataclasses import replace
from typing import Any

from django.conf import settings

from provisioning.clients.google import AlreadyExists, NotFound, api, execute
from provisioning.engine.action import Action, AsWanted, Context, Differs, Missing, NotYet, Refused, Seen
from provisioning.spec import InstanceSpec
from provisioning.steps.differences import differences
from provisioning.steps.google import put_out
from provisioning.steps.network import public_address

LIFETIME_SECONDS = 300
PAGE_LIFETIME_SECONDS = 60  # who resumes an instance wants it to be found soon
Records = list[dict[str, Any]]


class DnsRecord(Action):
    """Domain name

    It leads to the instance; while that is suspended, to the portal, which says so (where SUSPENDED_PAGE_ADDRESS is
    set: else it leads where it did). Beside the address stands a TXT record that says whose it is: records bear no
    labels, and the zone is shared. What is not ours counts as missing, and stands in the way of making it.
    """

    def look(self, context: Context) -> Seen:
        records = _records(context.spec)
        if not _are_ours(context.spec, records):
            return Missing(f"dns.googleapis.com lists no record of {context.spec.domain} that is this instance's")
        wanted = {"rrdatas": [_address(context)], "ttl": _lifetime_seconds(context.spec)}
        found = next((record for record in records if record["type"] == "A"), {})
        changes = [replace(change, path=f"A.{change.path}") for change in differences(wanted, found)]
        return Differs.in_settings(changes) if changes else AsWanted()

    def make(self, context: Context) -> str:
        records = _records(context.spec)
        if records and not _are_ours(context.spec, records):
            raise Refused(
                f"{context.spec.domain} is in the zone already, and not by this instance.",
                "Find out whose record it is; remove it, then retry the step.",
            )
        address = _address(context) or put_out(context, "address", "ip")
        additions = [_record(context.spec, "A", address), _record(context.spec, "TXT", _owner(context.spec))]
        _change({"additions": additions, "deletions": records})
        return f"pointed {context.spec.domain} to {'the portal' if _has_page(context.spec) else 'the instance'}"

    def drop(self, context: Context) -> str:
        if records := _records(context.spec):
            _change({"additions": [], "deletions": records})
        return f"removed {context.spec.domain}"

    def resource(self, context: Context) -> str:
        zone = f"projects/{settings.GOOGLE_DNS_PROJECT}/managedZones/{settings.GOOGLE_DNS_ZONE}"
        return f"//dns.googleapis.com/{zone}/rrsets/{context.spec.domain}."


def _address(context: Context) -> str | None:
    """Where the name is to lead; None where the instance's own address is not known."""
    if _has_page(context.spec):
        return str(settings.SUSPENDED_PAGE_ADDRESS)
    if context.is_going_back:
        return public_address(context)
    address: str | None = context.outputs.get("address", {}).get("ip")
    return address


def _has_page(spec: InstanceSpec) -> bool:
    """Whether the portal answers in the instance's place."""
    return spec.is_suspended and bool(settings.SUSPENDED_PAGE_ADDRESS)


def _lifetime_seconds(spec: InstanceSpec) -> int:
    return PAGE_LIFETIME_SECONDS if _has_page(spec) else LIFETIME_SECONDS


def _records(spec: InstanceSpec) -> Records:
    """Of the instance's name, of the types that we write."""
    if not settings.GOOGLE_DNS_ZONE:
        raise Refused("No DNS zone is set for instances.", "Set GOOGLE_DNS_PROJECT and GOOGLE_DNS_ZONE, then retry.")
    listing = api("dns", "v1").resourceRecordSets().list(**_zone(), name=f"{spec.domain}.")
    return [record for record in execute(listing).get("rrsets", ()) if record["type"] in {"A", "TXT"}]


def _are_ours(spec: InstanceSpec, records: Records) -> bool:
    return any(_owner(spec) in record["rrdatas"] for record in records)


def _change(body: dict[str, Records]) -> None:
    """All of it or nothing; somebody quicker (an earlier try of ours, mostly) is seen by the next look."""
    try:
        execute(api("dns", "v1").changes().create(**_zone(), body=body))
    except (AlreadyExists, NotFound):
        raise NotYet("the zone to show what an earlier try wrote") from None


def _record(spec: InstanceSpec, kind: str, data: str) -> dict[str, Any]:
    return {"name": f"{spec.domain}.", "type": kind, "ttl": _lifetime_seconds(spec), "rrdatas": [data]}


def _owner(spec: InstanceSpec) -> str:
    return f'"sourcegraph-cloud-portal instance={spec.id}"'


def _zone() -> dict[str, str]:
    return {"project": settings.GOOGLE_DNS_PROJECT, "managedZone": settings.GOOGLE_DNS_ZONE}
