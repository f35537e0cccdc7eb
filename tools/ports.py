"""TCP ports on this machine's loopback address."""

import os
import socket
from collections.abc import Collection

from tools.terminal import Refused

HOST = "127.0.0.1"
_HIGHEST = 65535


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: a closed connection is no hindrance
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def first_free(wanted: int, *, avoid: Collection[int] = ()) -> int:
    """The wanted port, or the next one up that nobody uses."""
    for port in range(wanted, min(wanted + 200, _HIGHEST + 1)):
        if port not in avoid and is_free(port):
            return port
    raise Refused(f"No free port from {wanted} to {wanted + 199}. End some program that listens there.")


def exactly(port: int, option: str) -> int:
    """The port that somebody asked for by name, or Refused."""
    if not 1 <= port <= _HIGHEST:
        raise Refused(f"{option} {port}: a port is a number from 1 to {_HIGHEST}.")
    if not is_free(port):
        raise Refused(f"{option} {port}: the port is taken by another program, or not yours to use. Choose another.")
    return port


def without_proxy() -> dict[str, str]:
    """Environment variables: a proxy of the person's network must not be asked for what runs on this machine."""
    spared = ",".join(filter(None, [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), HOST, "localhost"]))
    return {"NO_PROXY": spared, "no_proxy": spared}
