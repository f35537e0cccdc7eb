"""How much an instance is used: what its databases would say if they were asked, and who asks them.

What nobody has told follows from its accounts: there is a seat for each, and whoever is signed in is active.
"""

import asyncio
import json
import re
import ssl
from functools import cache
from typing import Any

import httpx

from devcloud import timers
from devcloud.application.accounts import Accounts
from devcloud.cloud import Cloud
from devcloud.kubernetes.clusters import Cluster, open_cluster
from devcloud.kubernetes.controllers.counting import COUNT
from devcloud.kubernetes.kinds import kind_named

FIGURES = ("seats", "active_1d", "active_7d", "active_30d", "repositories", "batch_changes")
_TOLD = "application_use"
_ASKED = re.compile(r"'(\w+)', \(SELECT ")
_SECONDS = 20
_UNKNOWN = "psql: ERROR:  relation does not exist"
_NO_ADDRESS = "wget: bad address"
_tasks: set[asyncio.Task[None]] = set()


def tell(cloud: Cloud, host: str, figures: dict[str, int]) -> None:
    """The instance on that host is used so much from now on, whether it is there yet or not."""
    cloud.store.put(_TOLD, host, {**(cloud.store.get(_TOLD, host) or {}), **figures})


def counted(cloud: Cloud, key: str, host: str) -> dict[str, int]:
    """All that may be asked, of the application under that key."""
    accounts = Accounts(cloud, key)
    active = dict.fromkeys(("active_1d", "active_7d", "active_30d"), accounts.signed_in)
    usual = {"seats": accounts.count, **active, "repositories": 0, "batch_changes": 0}
    return usual | (cloud.store.get(_TOLD, host) or {})


@timers.action(COUNT)
def _count(cloud: Cloud, _at: float, arguments: dict[str, Any]) -> None:
    task = asyncio.get_running_loop().create_task(_ping(cloud, **arguments))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _ping(cloud: Cloud, cluster: str, namespace: str, pod: str, **found: str) -> None:
    """As the container would: all that is asked is sent, or nothing; any answer but a good one is an error."""
    there = open_cluster(cloud, cluster)
    if there is None:
        return
    figures = counted(cloud, f"{cluster}/{namespace}", _host(there, namespace))
    asked = _ASKED.findall(found["statement"])
    if set(asked) - set(figures):
        error = _UNKNOWN
    else:
        error = await _post(found["address"], found["token"], {name: figures[name] for name in asked})
    if again := open_cluster(cloud, cluster):
        again.controllers.finish(namespace, pod, error)


async def _post(address: str, token: str, figures: dict[str, int]) -> str:
    """Empty once it was taken; else what wget would say."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "Wget"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_SECONDS, verify=_tls()) as client:
            answer = await client.post(address, content=json.dumps(figures), headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return _NO_ADDRESS
    return "" if answer.is_success else f"wget: server returned error: HTTP/1.1 {answer.status_code}"


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading all the certificates takes a while."""
    return ssl.create_default_context()


def _host(cluster: Cluster, namespace: str) -> str:
    """Under which name people open it."""
    for ingress in cluster.objects.each(kind_named("ingresses"), namespace):
        for rule in ingress["spec"].get("rules", ()):
            return str(rule.get("host", ""))
    return ""
