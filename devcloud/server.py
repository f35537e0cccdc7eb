"""One process, one event loop: the HTTP, HTTPS and SMTP servers, and the clockwork behind them."""

import asyncio
import contextlib
import ipaddress
import json
import signal
import socket
import ssl
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud import clock, timers
from devcloud.application import create_application
from devcloud.application.control import use_routes
from devcloud.attachments import attachment_routes
from devcloud.calls import TRANSPORT, reset_connection
from devcloud.certificates import load_authority, server_context
from devcloud.cloud import Addresses, Cloud
from devcloud.control import SKIPPED, Control
from devcloud.dns_control import dns_routes
from devcloud.faults import Faults
from devcloud.google import create_google
from devcloud.google.downloads import create_downloads, is_download
from devcloud.google.seed import plant
from devcloud.kubernetes import create_kubernetes
from devcloud.kubernetes.control import control_routes
from devcloud.mailbox import Mailbox
from devcloud.pages.console import console_routes
from devcloud.pages.inbox import inbox_routes
from devcloud.profile import Profile
from devcloud.resolver import PATH as RESOLVER
from devcloud.resolver import create_resolver
from devcloud.store import Store
from devcloud.stripe import create_stripe
from devcloud.stripe.control import control_routes as stripe_control_routes
from devcloud.told import schema_routes, storage_routes

_TICK_SECONDS = 0.05
FLUSH_SECONDS = 0.25
_KEEP_ALIVE_SECONDS = 75
_PATIENCE_SECONDS = 1


@dataclass(frozen=True)
class Options:
    """How to run. A port of 0 is a free one. `public_host` is how others reach `host`."""

    host: str
    public_host: str
    http_port: int
    https_port: int
    smtp_port: int
    elsewhere_port: int
    state: Path
    profile: Profile
    billing_accounts: tuple[str, ...]


async def run(options: Options) -> None:
    """Serves until SIGINT or SIGTERM, then saves its state."""
    options.state.mkdir(parents=True, exist_ok=True)
    sockets = [_listen(options.host, port) for port in (options.http_port, options.https_port, options.smtp_port)]
    http, https, smtp = (bound.getsockname()[1] for bound in sockets)
    addresses = Addresses(options.public_host, http, https, smtp, options.elsewhere_port)
    authority = load_authority(options.state)
    store = Store(options.state / "devcloud.sqlite3")
    if skipped := store.get(SKIPPED, "all"):
        clock.skip(skipped["seconds"])
    cloud = Cloud(store, options.profile, Faults(), addresses, authority.pem, options.billing_accounts)
    plant(cloud)
    tls = server_context(authority, options.state, {"127.0.0.1", "localhost", options.public_host})
    try:
        await _serve(cloud, sockets, tls, options.state / "ports.json")
    finally:
        store.close()


async def _serve(cloud: Cloud, sockets: list[socket.socket], tls: ssl.SSLContext, ports_file: Path) -> None:
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(cloud.store)
    servers = [_Server(_config(http_app(cloud, mailbox))), _Server(_config(https_app(cloud), tls))]
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, partial(_stop, servers))
    smtp = await loop.create_server(lambda: SMTP(mailbox, hostname="devcloud", enable_SMTPUTF8=True), sock=sockets[2])
    clockwork = asyncio.create_task(_turn(cloud))
    serving = [asyncio.create_task(server.serve([bound])) for server, bound in zip(servers, sockets, strict=False)]
    await _started(servers)
    _announce(cloud.addresses, ports_file)
    await asyncio.gather(*serving)
    await asyncio.sleep(_TICK_SECONDS)  # connections that were cut off just now are let go
    clockwork.cancel()
    smtp.close()


def http_app(cloud: Cloud, mailbox: Mailbox) -> ASGIApp:
    """Our own pages, Google's APIs and DNS, and Stripe on our own host; the application on every other one."""
    application, google, stripe = create_application(cloud), create_google(cloud), create_stripe(cloud)
    downloads, resolver = create_downloads(cloud), create_resolver(cloud)
    site = Starlette(
        routes=[
            *console_routes(cloud),
            *inbox_routes(mailbox),
            *Control(cloud, mailbox).routes(),
            *control_routes(cloud),
            *stripe_control_routes(cloud),
            *schema_routes(cloud),
            *storage_routes(cloud),
            *use_routes(cloud),
            *attachment_routes(cloud),
            *dns_routes(cloud),
        ]
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_own_host(scope):
            await application(scope, receive, send)
        elif is_download(scope):
            await downloads(scope, receive, send)
        elif scope["path"].startswith("/google/"):
            await google(scope, receive, send)
        elif scope["path"].startswith("/stripe/"):
            await stripe(scope, receive, send)
        elif scope["path"] == RESOLVER:
            await resolver(scope, receive, send)
        else:
            await site(scope, receive, send)

    return _connected(app)


def https_app(cloud: Cloud) -> ASGIApp:
    """The Kubernetes API servers."""
    return _connected(create_kubernetes(cloud))


class _Server(uvicorn.Server):
    """Leaves the signals to us: there are two of them in one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: ASGIApp, tls: ssl.SSLContext | None = None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_level="error",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_PATIENCE_SECONDS,
    )
    config.load()
    config.ssl = tls
    return config


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches the delay of small packets off only where it sees that the protocol is TCP.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def _connected(app: ASGIApp) -> ASGIApp:
    """The app with its connection at hand; what still runs when the server stops ends with a reset."""

    async def connected(scope: Scope, receive: Receive, send: Send) -> None:
        # The server's own `send` is a method of the request's cycle, which knows the connection.
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            await reset_connection(scope)

    return connected


def _is_own_host(scope: Scope) -> bool:
    """An address, or a name without a dot such as localhost or a container's."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    name = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].strip("[]")
    if "." not in name:
        return True
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


async def _turn(cloud: Cloud) -> None:
    """What is due happens, and changes reach the disk."""
    loop = asyncio.get_running_loop()
    flushed_at = loop.time()
    while True:
        timers.run_due(cloud, clock.now())
        if loop.time() - flushed_at >= FLUSH_SECONDS:
            cloud.store.flush()
            flushed_at = loop.time()
        await asyncio.sleep(_TICK_SECONDS)


async def _started(servers: list[_Server]) -> None:
    while not all(server.started for server in servers):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)


def _stop(servers: list[_Server]) -> None:
    for server in servers:
        server.should_exit = True


def _announce(addresses: Addresses, ports_file: Path) -> None:
    ports: dict[str, Any] = asdict(addresses)
    temporary = ports_file.with_suffix(".new")
    temporary.write_text(json.dumps(ports))
    temporary.replace(ports_file)
    print(f"devcloud is at {addresses.http_url}/ (Kubernetes {addresses.https}, mail {addresses.smtp})", flush=True)  # noqa: T201 - the one line it says
