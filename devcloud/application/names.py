"""Where a host's name leads: to an instance of devcloud's, or to somebody else, who is then asked in its place."""

from ipaddress import IPv4Address, IPv4Network

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from devcloud.calls import reset_connection
from devcloud.cloud import Cloud
from devcloud.public_dns import end_of

_ZONES, _RECORD_SETS = "dns.managedZones", "dns.resourceRecordSets"
_GLOBAL_ADDRESSES = "compute.globalAddresses"
_OURS = IPv4Network("198.18.0.0/15")  # what devcloud gives addresses from
# Of one connection, or made anew for the next.
_OF_CONTENT = {"content-encoding", "content-length", "transfer-encoding"}
_NOT_PASSED_ON = _OF_CONTENT | {"connection", "keep-alive", "server", "date"}


def address_elsewhere(cloud: Cloud, host: str) -> str:
    """The address that the host's A record leads to, if it is not one of devcloud's; else empty, as without a record:
    who brings a cluster has the names of its instances in a zone of their own. A name of a customer's is an alias.
    """
    address = address_of(cloud, host)
    return "" if not address or IPv4Address(address) in _OURS else address


def address_of(cloud: Cloud, host: str) -> str:
    """What the host's A record says, by way of an alias or not; empty without one."""
    host = end_of(cloud, host)
    for zone, document in cloud.store.items(_ZONES):
        if document["body"].get("visibility") == "private":
            continue
        record = cloud.store.get(_RECORD_SETS, f"{zone}/rrsets/{host}./A")
        if record is not None:
            return str(record["body"]["rrdatas"][0])
    return ""


def leads_elsewhere(cloud: Cloud, host: str, project: str, static_address: str) -> bool:
    """Whether the host's name leads to another address than the one that is reserved under that name."""
    entry = cloud.store.get(_GLOBAL_ADDRESSES, f"projects/{project}/global/addresses/{static_address}")
    if entry is None:
        return False
    return address_of(cloud, host) not in {"", entry["body"]["address"]}


async def pass_on(authority: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Whoever is there answers the same request. Where nobody is, the connection is reset."""
    request = Request(scope, receive)
    url = request.url.replace(scheme="http", netloc=authority)
    headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(request.method, str(url), headers=headers, content=await request.body())
    except httpx.TransportError:
        await reset_connection(scope)
        return
    passed_on = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_ON}
    await Response(answer.content, answer.status_code, passed_on)(scope, receive, send)
