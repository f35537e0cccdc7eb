"""What the control API can be told of the insides of databases and disks: what their own tools would show or do.

Each function answers routes below /_control/, to be mounted beside the others of the control API.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcloud.cloud import Cloud
from devcloud.google.services.sql_nights import set_failing
from devcloud.google.services.time_series import set_disk, set_lag
from devcloud.lost import set_lost
from devcloud.schemas import INCOMPATIBLE, SCHEMAS, order_of, set_incompatible, set_schema


def schema_routes(cloud: Cloud) -> list[Route]:
    """Which schema a database has, and which schemas the version before cannot run on."""

    async def schemas(request: Request) -> Response:
        """{"database": NAME, "version": "5.10.1"}: somebody has restored it by hand."""
        if request.method == "PUT":
            form = await request.json()
            set_schema(cloud, str(form["database"]), str(form["version"]))
        found = {database: document["version"] for database, document in cloud.store.items(SCHEMAS)}
        return JSONResponse({"schemas": found})

    async def incompatible(request: Request) -> Response:
        """{"versions": ["5.11.0"]}: releases on whose schema the version before cannot run."""
        if request.method == "PUT":
            versions = [str(version) for version in (await request.json())["versions"]]
            if not all(map(order_of, versions)):
                return JSONResponse({"error": "A version is such as 5.11.0."}, HTTPStatus.BAD_REQUEST)
            set_incompatible(cloud, versions)
        return JSONResponse({"versions": [version for version, _document in cloud.store.items(INCOMPATIBLE)]})

    return [
        Route("/_control/schemas", schemas, methods=["GET", "PUT"]),
        Route("/_control/schemas/incompatible", incompatible, methods=["GET", "PUT"]),
    ]


def storage_routes(cloud: Cloud) -> list[Route]:
    """How full disks are, how far replicas are behind, and whether nightly backups come to something."""

    async def disks(request: Request) -> Response:
        """{"project": ID, "disk": NAME, "utilization": 0.95}: how full it is; null is no data at all."""
        form = await request.json()
        utilization = form.get("utilization")
        if utilization is not None and not 0 <= float(utilization) <= 1:
            return JSONResponse({"error": "A utilization is from 0 to 1."}, HTTPStatus.BAD_REQUEST)
        set_disk(cloud, str(form["project"]), str(form["disk"]), utilization)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def nights(request: Request) -> Response:
        """{"project": ID, "fails": true}: its nightly backups come to nothing from now on."""
        form = await request.json()
        set_failing(cloud, str(form["project"]), fails=bool(form["fails"]))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def lags(request: Request) -> Response:
        """{"project": ID, "instance": NAME, "seconds": 600}: how far that replica is behind; null is no data at all."""
        form = await request.json()
        set_lag(cloud, str(form["project"]), str(form["instance"]), form.get("seconds"))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def regions(request: Request) -> Response:
        """{"region": NAME, "lost": true}: nothing in it answers any more, until it is told otherwise."""
        form = await request.json()
        set_lost(cloud, str(form["region"]), is_lost=bool(form["lost"]))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return [
        Route("/_control/replication", lags, methods=["PUT"]),
        Route("/_control/regions", regions, methods=["PUT"]),
        Route("/_control/disks", disks, methods=["PUT"]),
        Route("/_control/nightly-backups", nights, methods=["PUT"]),
    ]
