"""How a call is answered under the fault rules, whichever service it belongs to."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from devcloud.faults import Effect, Faults

# Where the server leaves the connection's transport for `reset_connection`.
TRANSPORT = "devcloud.transport"
# A socket closed with this sends RST, as a broken network would. A plain FIN would not do: httplib2 takes that for a
# stale connection and silently sends the request once more.
_LINGER_ZERO = struct.pack("ii", 1, 0)

Perform = Callable[[Effect | None], Awaitable[Response]]
Refuse = Callable[[Effect], Response]


async def answer(
    faults: Faults,
    connection: tuple[Scope, Receive, Send],
    *,
    service: str,
    method: str,
    perform: Perform,
    refuse: Refuse,
) -> None:
    """The call is counted, performed, answered and journaled, unless a fault rule says otherwise.

    `perform` gets the effect where it is fail_operation, else None; `refuse` writes an injected status in the service's
    own error format.
    """
    scope, receive, send = connection
    call = faults.begin(service, method, scope["path"])
    response = await _response(call.effect, perform, refuse)
    if response is None:
        faults.end(call, 0)
        await reset_connection(scope)
    else:
        faults.end(call, response.status_code)
        await response(scope, receive, send)


async def _response(effect: Effect | None, perform: Perform, refuse: Refuse) -> Response | None:
    """What to answer; None where the connection shall be reset instead."""
    match effect:
        case None:
            return await perform(None)
        case Effect(kind="reset"):
            return None
        case Effect(kind="status"):
            return refuse(effect)
        case Effect(kind="fail_operation"):
            return await perform(effect)
    response = await perform(None)
    if effect.kind == "act_then_drop":
        return None
    await asyncio.sleep(effect.seconds)
    return response


async def reset_connection(scope: Scope) -> None:
    """The client sees a connection reset; whatever the application sends after this is thrown away."""
    transport: Any = scope[TRANSPORT]
    if transport is None:  # no server of ours is behind it
        return
    connected = transport.get_extra_info("socket")
    if connected is not None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()
    await asyncio.sleep(0.01)  # the server notices the lost connection, and expects no answer any more
