"""Watches what this process asks of others: HTTP requests, whoever's client sends them, and programs that it starts."""

import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) /")
# TLS sockets send all by sending piece by piece; plain ones do both by themselves.
SENDERS = ((socket.socket, "send"), (socket.socket, "sendall"), (ssl.SSLSocket, "send"))

_watcher: Callable[[], None] | None = None
_thread = 0


def _notice() -> None:
    if _watcher is not None and threading.get_ident() == _thread:
        _watcher()


def _audit(event: str, _arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _notice()


sys.addaudithook(_audit)


@contextmanager
def outside_calls_are_watched(by: Callable[[], None]) -> Iterator[None]:
    """`by` is called right before each request leaves this thread, and before each program's start."""
    global _watcher, _thread  # noqa: PLW0603 - audit hooks cannot be removed, so there is one with a switch
    _watcher, _thread = by, threading.get_ident()
    before = [(owner, name, owner.__dict__.get(name)) for owner, name in SENDERS]
    for owner, name in SENDERS:
        setattr(owner, name, _watched(getattr(owner, name)))
    try:
        yield
    finally:
        _watcher = None
        for owner, name, sender in before:
            if sender is None:
                delattr(owner, name)
            else:
                setattr(owner, name, sender)


def _watched(send: Callable[..., Any]) -> Callable[..., Any]:
    def watched(self: socket.socket, data: Any, *arguments: Any) -> Any:
        if REQUEST.match(bytes(data[:8])):
            try:
                _notice()
            except OSError:
                self.shutdown(socket.SHUT_RDWR)  # a client that wants to read the answer all the same finds it broken
                raise
        return send(self, data, *arguments)

    return watched
