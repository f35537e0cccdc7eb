"""A running devcloud in this process, and one cluster of it as a client sees it."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import yaml

from devcloud import server
from devcloud.certificates import load_authority, server_context
from devcloud.cloud import Addresses, Cloud
from devcloud.faults import Faults
from devcloud.mailbox import Mailbox
from devcloud.profile import PROFILES
from devcloud.store import Store
from tools.ports import any_free

HOST = "127.0.0.1"


class Stand:
    """Its servers run on one loop in a thread. The store belongs to that thread: use `on_loop` to touch it."""

    def __init__(self, folder: Path, store_path: Path | None = None) -> None:
        sockets = [server._listen(HOST, 0), server._listen(HOST, 0)]
        http, https = (bound.getsockname()[1] for bound in sockets)
        authority = load_authority(folder)
        self.cloud = Cloud(
            Store(store_path), PROFILES["fast"], Faults(), Addresses(HOST, http, https, 0, any_free()), authority.pem
        )
        self.tls = ssl.create_default_context(cadata=authority.pem)
        tls = server_context(authority, folder, {HOST})
        apps = [server.http_app(self.cloud, Mailbox(self.cloud.store)), server.https_app(self.cloud)]
        configs = [server._config(apps[0]), server._config(apps[1], tls)]
        self._servers = [server._Server(config) for config in configs]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=[sockets])
        self._thread.start()
        self.control = httpx.Client(base_url=f"{self.cloud.addresses.http_url}/_control")

    def stop(self) -> None:
        self.control.close()
        server._stop(self._servers)
        self._thread.join()
        self.cloud.store.close()

    def on_loop(self, function: Callable[[], object]) -> None:
        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def cluster(self, **form) -> "Cluster":
        """A cluster that somebody brings."""
        answer = self.control.post("/kubernetes/clusters", json=form).raise_for_status()
        return Cluster(self, answer.text)

    def behave(self, **form) -> None:
        self.control.post("/kubernetes/behaviour", json=form).raise_for_status()

    def fault(self, **form) -> None:
        self.control.post("/faults", json={"service": "kubernetes", **form}).raise_for_status()

    def _run(self, sockets: list[socket.socket]) -> None:
        asyncio.set_event_loop(self._loop)
        serving = [each.serve([bound]) for each, bound in zip(self._servers, sockets, strict=True)]
        self._loop.run_until_complete(_all(serving))
        self._loop.close()


class Cluster:
    """One cluster of a stand, by its kubeconfig."""

    def __init__(self, stand: Stand, kubeconfig: str) -> None:
        document = yaml.safe_load(kubeconfig)
        self.stand, self.kubeconfig = stand, kubeconfig
        self.id = document["current-context"]
        self.url = document["clusters"][0]["cluster"]["server"]
        self.token = document["users"][0]["user"]["token"]

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=self.url, verify=self.stand.tls, headers=headers)


async def _all(serving: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*serving)
