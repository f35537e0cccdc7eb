"""A gateway before instances, on this machine: each host answers as it is told to, over connections that are kept."""

import contextlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SILENT, CLOSED, CLOSED_ONCE = "silent", "closed", "closed once"


@dataclass
class Gateway:
    """`ways` by host: a status, SILENT (no answer until the end) or CLOSED (the connection is closed instead).

    CLOSED_ONCE is so for one request, and then 200. Whoever bears a host's pass is answered 200.
    """

    url: str = ""
    says: str = "ok"
    ways: dict[str, int | str] = field(default_factory=dict)
    passes: dict[str, str] = field(default_factory=dict)
    seen_passes: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)
    sockets: set[socket.socket] = field(default_factory=set)

    def close_idle_connections(self) -> None:
        """As a server does with what was idle for too long."""
        for each in list(self.sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def gateway(tls: ssl.SSLContext | None = None) -> Iterator[Gateway]:
    """It answers on a port of its own."""
    known = Gateway()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    server.daemon_threads = True
    server.socket = tls.wrap_socket(server.socket, server_side=True) if tls else server.socket
    known.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield known
    finally:
        known.is_over.set()
        known.close_idle_connections()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(known: Gateway) -> type[BaseHTTPRequestHandler]:
    """Answers as it is known how, and counts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            known.connections += 1
            known.sockets.add(self.request)
            super().setup()

        def do_GET(self) -> None:
            host = self.headers["Host"].partition(":")[0]
            known.asked[f"{host}{self.path}"] += 1
            given = self.headers.get("X-Portal-Pass", "")
            known.seen_passes += [given] if given else []
            way = 200 if given and known.passes.get(host) == given else known.ways.get(host, 200)
            if way == CLOSED_ONCE:
                known.ways[host] = 200
            if way == SILENT:
                known.is_over.wait()
            if isinstance(way, str):
                self.close_connection = True
                return
            self.send_response(way)
            body = b"" if way == HTTPStatus.NO_CONTENT else known.says.encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nobody reads it."""

    return Handler
