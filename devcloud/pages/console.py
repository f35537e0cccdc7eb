"""The console: projects and what is in them, operations under way, recent calls, faults."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from devcloud import clock
from devcloud.cloud import Cloud
from devcloud.google.operations import OPERATIONS
from devcloud.google.tenancy import PROJECTS
from devcloud.pages.layout import code, link, page, section, state, table

_STYLE = Path(__file__).with_name("console.css")
_CALLS_SHOWN = 40


def console_routes(cloud: Cloud) -> list[Route]:
    async def overview(_request: Request) -> Response:
        shown = [
            section("Projects", _projects(cloud)),
            section("Under way", _operations(cloud)),
            section("Stripe", link("/stripe/", "Subscriptions, invoices and deliveries")),
            section("Faults", _faults(cloud)),
            section("Recent calls", _calls(cloud)),
        ]
        return page("Cloud", "".join(shown), refresh=True)

    async def project(request: Request) -> Response:
        project_id = request.path_params["id"]
        entry = cloud.store.get(PROJECTS, project_id)
        if entry is None:
            return page("Not here", '<p class="empty">There is no such project.</p>', status=404)
        return page(project_id, _project(cloud, project_id, entry["body"]), refresh=True)

    async def style(_request: Request) -> Response:
        return FileResponse(_STYLE, media_type="text/css")

    return [Route("/", overview), Route("/projects/{id}", project), Route("/console.css", style)]


def _projects(cloud: Cloud) -> str:
    counts = Counter(name.split("/")[1] for name, _collection, _body in _resources(cloud))
    rows = [
        (
            link(f"/projects/{project_id}", project_id),
            state(entry["body"]["state"] if entry["ready"] else "CREATING"),
            code(entry["body"].get("labels", {}).get("instance", "")),
            str(counts[project_id]),
        )
        for project_id, entry in cloud.store.items(PROJECTS)
    ]
    return table(("Project", "State", "Instance", "Resources"), rows, "There are no projects.")


def _project(cloud: Cloud, project_id: str, body: dict[str, Any]) -> str:
    found = sorted((c, n, b) for n, c, b in _resources(cloud, project_id))
    rows = [(state(_state(b)), code(collection), code(name.split("/", 2)[2])) for collection, name, b in found]
    facts = f"<dl><dt>State</dt><dd>{state(body['state'])}</dd><dt>Number</dt><dd>{code(body['name'])}</dd></dl>"
    resources = table(("State", "Kind", "Name"), rows, "The project is empty.")
    return facts + section("Resources", resources) + section("Under way", _operations(cloud, project_id))


def _resources(cloud: Cloud, project_id: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Full name, collection and entry of everything that lies in a project."""
    prefix = f"projects/{project_id}/" if project_id else "projects/"
    for collection in cloud.store.collections():
        for name, entry in cloud.store.items(collection, prefix):
            if "body" in entry and "ready" in entry:
                yield name, collection, entry


def _state(entry: dict[str, Any]) -> str:
    body = entry["body"]
    return str(body.get("status") or body.get("state") or ("READY" if entry["ready"] else "CREATING"))


def _operations(cloud: Cloud, project_id: str = "") -> str:
    now = clock.now()
    running = [
        record
        for _key, record in cloud.store.items(OPERATIONS)
        if not record["done"] and project_id in {"", record["project"]}
    ]
    rows = [
        (f"{max(record['ends_at'] - now, 0):.1f} s", code(record["kind"]), code(record["target"]))
        for record in sorted(running, key=lambda record: float(record["ends_at"]))
    ]
    return table(("Left", "Operation", "On"), rows, "Nothing is under way.")


def _faults(cloud: Cloud) -> str:
    rows = [
        (code(rule["id"]), code(rule["service"]), code(rule["method"]), code(rule["effect"]), str(rule["matches"]))
        for rule in cloud.faults.describe()
    ]
    return table(("Rule", "Service", "Method", "Effect", "Calls matched"), rows, "No faults are injected.")


def _calls(cloud: Cloud) -> str:
    recent = cloud.faults.calls()[: -_CALLS_SHOWN - 1 : -1]
    rows = [
        (f'<span class="quiet">{call["at"][11:23]}</span>', str(call["status"] or "dropped"), code(call["method"]),
         code(call["path"]))
        for call in recent
    ]  # fmt: skip
    return table(("At (UTC)", "Status", "Method", "Path"), rows, "Nobody has called yet.")
