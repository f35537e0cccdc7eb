"""Services that somebody else has published by Private Service Connect, and whom they let connect.

Told by the control API, since those are other people's projects:
PUT /_control/attachments {"name": "projects/P/regions/R/serviceAttachments/N", "accept": ["PROJECT"], "reject": []},
or "accept": "*" for one that takes everybody; DELETE with {"name": …}, and every connection to it is closed.
"""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcloud.cloud import Cloud

ATTACHMENTS = "compute.serviceAttachments"
RULES = "compute.forwardingRules"
_NAME = re.compile(r"projects/[^/]+/regions/[^/]+/serviceAttachments/[a-z][-a-z0-9]*")


def status_for(attachment: dict[str, Any], project: str) -> str:
    """How it answers to an endpoint of that project, in Google's word."""
    if project in attachment["reject"]:
        return "REJECTED"
    return "ACCEPTED" if attachment["accept"] == "*" or project in attachment["accept"] else "PENDING"


def attachment_routes(cloud: Cloud) -> list[Route]:
    """Routes below /_control/, to be mounted beside the others of the control API."""

    async def attachments(request: Request) -> Response:
        form = await request.json()
        name = str(form.get("name", ""))
        if not _NAME.fullmatch(name):
            return JSONResponse({"error": "A name is projects/P/regions/R/serviceAttachments/N."}, 400)
        if request.method == "DELETE":
            cloud.store.delete(ATTACHMENTS, name)
        else:
            told = {"accept": form.get("accept", []), "reject": form.get("reject", [])}
            cloud.store.put(ATTACHMENTS, name, told)
        _tell(cloud, name)
        return Response(status_code=204)

    return [Route("/_control/attachments", attachments, methods=["PUT", "DELETE"])]


def _tell(cloud: Cloud, name: str) -> None:
    """Every endpoint that leads there stands as it is answered now; what was closed stays so."""
    attachment = cloud.store.get(ATTACHMENTS, name)
    for key, entry in cloud.store.items(RULES):
        body = entry["body"]
        if body["target"].endswith(f"/{name}") and body["pscConnectionStatus"] != "CLOSED":
            body["pscConnectionStatus"] = status_for(attachment, key.split("/")[1]) if attachment else "CLOSED"
            cloud.store.put(RULES, key, entry)
