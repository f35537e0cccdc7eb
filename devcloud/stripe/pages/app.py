"""The addresses of the hosted pages."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from devcloud.cloud import Cloud
from devcloud.stripe.books import Books
from devcloud.stripe.pages import bank, checkout, invoice, papers, portal
from devcloud.stripe.pages.frame import Form, style, visit

_Work = Callable[[Books, str, Form], Response]
_Show = Callable[[Books, str, str, Form], Response]
_PAGES: dict[str, tuple[_Work, _Show]] = {
    "/stripe/checkout/{key}": (checkout.work, checkout.show),
    "/stripe/authenticate/{key}": (bank.work, bank.show),
    "/stripe/portal/{key}": (portal.work, portal.show),
    "/stripe/invoice/{key}": (invoice.work, invoice.show),
}


def create_pages(cloud: Cloud) -> ASGIApp:
    """Answers below /stripe/, wherever the API does not."""
    routes = [_route(cloud, path, work, show) for path, (work, show) in _PAGES.items()]
    return Starlette(routes=[*routes, *papers.routes(cloud), Route("/stripe/hosted.css", style)])


def _route(cloud: Cloud, path: str, work: _Work, show: _Show) -> Route:
    async def answer(request: Request) -> Response:
        key = request.path_params["key"]
        return await visit(
            cloud,
            request,
            lambda books, form: work(books, key, form),
            lambda books, message, form: show(books, key, message, form),
        )

    return Route(path, answer, methods=["GET", "POST"])
