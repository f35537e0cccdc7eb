"""What the control API can be told of applications: how much they are used."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcloud.application.use import FIGURES, tell
from devcloud.cloud import Cloud


def use_routes(cloud: Cloud) -> list[Route]:
    """Routes below /_control/, to be mounted beside the others of the control API."""

    async def use(request: Request) -> Response:
        """{"host": NAME, "figures": {"seats": 31}}: how much the instance there is used, also before it is there."""
        form = await request.json()
        figures = dict(form.get("figures", {}))
        if not form.get("host") or set(figures) - set(FIGURES) or not all(map(_is_count, figures.values())):
            sentence = f"Needed: host, and figures, whole numbers of {', '.join(FIGURES)}."
            return JSONResponse({"error": sentence}, HTTPStatus.BAD_REQUEST)
        tell(cloud, str(form["host"]).lower(), figures)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return [Route("/_control/use", use, methods=["POST"])]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
