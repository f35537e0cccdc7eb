"""How the public DNS of others is told: by the control API, and on a page for people who try the portal."""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from devcloud.cloud import Cloud
from devcloud.pages.layout import code, page, section, table
from devcloud.public_dns import ALIAS, forget, tell, told
from devcloud.resolver import TYPES

_FORM = """<form method="post" action="/dns/"><p><label>Name <input name="name" required placeholder="code.acme.com">
</label> <label>CNAME to <input name="target" placeholder="acme.sourcegraph.localhost"></label>
<button>Set it</button></p><p class="quiet">Without a target the name's records are removed.</p></form>"""


def dns_routes(cloud: Cloud) -> list[Route]:
    """The page /dns/, and routes below /_control/, to be mounted beside the others of the control API."""

    async def records(request: Request) -> Response:
        """{"name": "code.acme.com", "type": "CNAME", "data": ["acme.sourcegraph.localhost"]}, or "status": "SERVFAIL"
        for servers that fail, of all types where none is named. DELETE with a name, and maybe a type.
        """
        if request.method == "GET":
            return JSONResponse({"records": told(cloud)})
        form = await request.json()
        if why := _why_not(form, is_removal=request.method == "DELETE"):
            return JSONResponse({"error": why}, HTTPStatus.BAD_REQUEST)
        if request.method == "DELETE":
            forget(cloud, form["name"], form.get("type", ""))
        elif "status" in form:
            tell(cloud, form["name"], form.get("type", "*"), {"status": form["status"]})
        else:
            tell(cloud, form["name"], form["type"], {"data": form["data"]})
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def shown(request: Request) -> Response:
        if request.method == "POST":
            sent = dict(parse_qsl((await request.body()).decode()))
            name, target = (sent.get(field, "").strip() for field in ("name", "target"))
            forget(cloud, name)
            if name and target:
                tell(cloud, name, ALIAS, {"data": [target]})
            return RedirectResponse("/dns/", HTTPStatus.SEE_OTHER)
        rows = [
            (code(each["name"]), code(each["type"]), code(", ".join(each.get("data", [each.get("status", "")]))))
            for each in told(cloud)
        ]
        records_of_others = table(("Name", "Type", "Leads to"), rows, "Nobody has set a record yet.")
        return page("Public DNS", _FORM + section("Records of other people's zones", records_of_others))

    return [
        Route("/_control/dns", records, methods=["GET", "PUT", "DELETE"]),
        Route("/dns/", shown, methods=["GET", "POST"]),
    ]


def _why_not(form: dict[str, Any], *, is_removal: bool) -> str:
    if not form.get("name"):
        return "A record has a name."
    if form.get("type", "A") not in TYPES:
        return f"A type is one of {', '.join(TYPES)}."
    if is_removal or form.get("status") == "SERVFAIL":
        return ""
    data = form.get("data")
    is_list = isinstance(data, list) and data and all(isinstance(each, str) for each in data)
    return "" if is_list and "type" in form else "A record has a type and a list of data, or the status SERVFAIL."
