"""The application on its own host: health, version, the first account, sign-in and a small GraphQL."""

from http import HTTPStatus
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud.application import pages
from devcloud.application.accounts import Accounts
from devcloud.application.graphql import execute
from devcloud.application.instances import Instance, find_instance
from devcloud.application.names import address_elsewhere, pass_on
from devcloud.balancers import lets_in
from devcloud.cloud import Cloud

COOKIE = "sgs"
_ALWAYS_ANSWERED = {"/healthz", "/readyz"}


def create_application(cloud: Cloud) -> ASGIApp:
    """Answers by the Host header: 404 where no ingress knows the host, 503 while its frontend isn't available.

    Where the host's name leads to an address that is not devcloud's, whoever is there answers. 403 to whom the load
    balancer's security policy shuts out.
    """
    routes = _routes()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        host = Request(scope).headers.get("host", "").rpartition("@")[2].partition(":")[0].lower()
        if address := address_elsewhere(cloud, host):
            await pass_on(f"{address}:{cloud.addresses.elsewhere}", scope, receive, send)
            return
        instance = find_instance(cloud, host)
        if instance is None:
            await pages.unknown_page(host)(scope, receive, send)
        elif not lets_in(cloud, instance.key, _came_from(scope), Request(scope).headers):
            await pages.shut_out_page()(scope, receive, send)
        elif not instance.available and scope["path"] not in _ALWAYS_ANSWERED:
            await pages.starting_page(host)(scope, receive, send)
        else:
            scope["state"] = {"instance": instance, "accounts": Accounts(cloud, instance.key)}
            await routes(scope, receive, send)

    return app


def _routes() -> Starlette:
    return Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", health),
            Route("/readyz", health),
            Route("/__version", version),
            Route("/-/site-init", site_init, methods=["POST"]),
            Route("/-/sign-in", sign_in, methods=["POST"]),
            Route("/.api/graphql", graphql, methods=["POST"]),
            Route("/password-reset", password_form),
            Route("/password-reset", password_set, methods=["POST"]),
        ]
    )


def _came_from(scope: Scope) -> str:
    """The last address of X-Forwarded-For, where there is one: for a test, whoever calls is Google's own edge."""
    forwarded = Request(scope).headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or str(scope["client"][0])


async def home(request: Request) -> Response:
    return pages.home_page(_instance(request), _accounts(request).of_session(request.cookies.get(COOKIE, "")))


async def health(request: Request) -> Response:
    instance = _instance(request)
    if not instance.available:
        return PlainTextResponse("the frontend is not available", HTTPStatus.SERVICE_UNAVAILABLE)
    if not instance.healthy:
        return PlainTextResponse("unhealthy", HTTPStatus.INTERNAL_SERVER_ERROR)
    return PlainTextResponse("ok")


async def version(request: Request) -> Response:
    return PlainTextResponse(_instance(request).version)


async def site_init(request: Request) -> Response:
    form = await _form(request)
    if not all(form.get(field) for field in ("email", "username", "password")):
        return PlainTextResponse("email, username and password are required", HTTPStatus.BAD_REQUEST)
    accounts = _accounts(request)
    if not accounts.create_first(form["email"], form["username"], form["password"]):
        return PlainTextResponse("site is already initialized", HTTPStatus.FORBIDDEN)
    return _signed_in(accounts.sign_in(form["email"], form["password"]) or "", PlainTextResponse("ok"))


async def sign_in(request: Request) -> Response:
    form = await _form(request)
    session = _accounts(request).sign_in(form.get("email", ""), form.get("password", ""))
    from_page = "form" in request.headers.get("content-type", "")
    if session is None and from_page:
        return pages.sign_in_failed_page(_instance(request))
    if session is None:
        return PlainTextResponse("Authentication failed", HTTPStatus.UNAUTHORIZED)
    return _signed_in(session, RedirectResponse("/", HTTPStatus.SEE_OTHER) if from_page else PlainTextResponse("ok"))


async def graphql(request: Request) -> Response:
    accounts = _accounts(request)
    account = accounts.of_session(request.cookies.get(COOKIE, ""))
    if account is None:
        return PlainTextResponse("Private mode requires authentication.", HTTPStatus.UNAUTHORIZED)
    query = str((await _form(request)).get("query", ""))
    base_url = str(request.base_url).rstrip("/")
    return JSONResponse(
        execute(query, instance=_instance(request), accounts=accounts, account=account, base_url=base_url)
    )


async def password_form(request: Request) -> Response:
    code = request.query_params.get("code", "")
    account = _accounts(request).of_code(code)
    return (
        pages.password_page(_instance(request), account, code) if account else pages.used_code_page(_instance(request))
    )


async def password_set(request: Request) -> Response:
    form = await _form(request)
    if not form.get("password"):
        return PlainTextResponse("password is required", HTTPStatus.BAD_REQUEST)
    accounts = _accounts(request)
    account = accounts.set_password(request.query_params.get("code", ""), form["password"])
    if account is None:
        return pages.used_code_page(_instance(request))
    return _signed_in(
        accounts.sign_in(account.email, form["password"]) or "", pages.password_set_page(_instance(request))
    )


def _instance(request: Request) -> Instance:
    instance: Instance = request.state.instance
    return instance


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.state.accounts
    return accounts


def _signed_in(session: str, response: Response) -> Response:
    response.set_cookie(COOKIE, session, httponly=True, samesite="lax")
    return response


async def _form(request: Request) -> dict[str, str]:
    """The fields of a JSON body or of an HTML form; empty where the body is neither."""
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        try:
            decoded = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return {}
        return decoded if isinstance(decoded, dict) else {}
    return _urlencoded(body)


def _urlencoded(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace")))
