"""The control API below /_control/: fault rules, the journal of calls, mail, and a fresh start."""

import json
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcloud import clock, timers
from devcloud.cloud import Cloud
from devcloud.google.operations import OPERATION_ENDS
from devcloud.google.seed import plant
from devcloud.kubernetes.clusters import cluster_ids, delete_cluster
from devcloud.mailbox import Mailbox
from devcloud.store import Document

SKIPPED = "clock"  # how far ahead of the real time this devcloud is


class Control:
    """The control API of one devcloud; the Kubernetes part adds its own."""

    def __init__(self, cloud: Cloud, mailbox: Mailbox) -> None:
        self._cloud = cloud
        self._mailbox = mailbox

    def routes(self) -> list[Route]:
        return [
            Route("/_control/faults", self._list_faults, methods=["GET"]),
            Route("/_control/faults", self._add_fault, methods=["POST"]),
            Route("/_control/faults", self._remove_faults, methods=["DELETE"]),
            Route("/_control/faults/{id}", self._remove_fault, methods=["DELETE"]),
            Route("/_control/calls", self._calls, methods=["GET"]),
            Route("/_control/mail", self._mail, methods=["GET"]),
            Route("/_control/mail", self._empty_mail, methods=["DELETE"]),
            Route("/_control/clock", self._skip, methods=["POST"]),
            Route("/_control/profile", self._pace, methods=["PUT"]),
            Route("/_control/documents", self._documents, methods=["GET"]),
            Route("/_control/snapshot", self._snapshot, methods=["GET"]),
            Route("/_control/snapshot", self._restore, methods=["PUT"]),
            Route("/_control/snapshot", self._add, methods=["PATCH"]),
            Route("/_control/reset", self._reset, methods=["POST"]),
        ]

    async def _list_faults(self, _request: Request) -> Response:
        return JSONResponse({"faults": self._cloud.faults.describe()})

    async def _add_fault(self, request: Request) -> Response:
        try:
            form = await request.json()
            if not isinstance(form, dict):
                return _bad("A fault rule is a JSON object.")
            rule = self._cloud.faults.add(form)
        except ValueError as error:
            return _bad(str(error))
        return JSONResponse({"id": rule.id}, 201)

    async def _remove_faults(self, _request: Request) -> Response:
        for rule in self._cloud.faults.describe():
            self._cloud.faults.remove(rule["id"])
        return Response(status_code=204)

    async def _remove_fault(self, request: Request) -> Response:
        removed = self._cloud.faults.remove(request.path_params["id"])
        return Response(status_code=204) if removed else JSONResponse({"error": "There is no such rule."}, 404)

    async def _calls(self, request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            return _bad("since must be the number of a call.")
        return JSONResponse({"calls": self._cloud.faults.calls(int(since))})

    async def _mail(self, request: Request) -> Response:
        letters = self._mailbox.letters(request.query_params.get("to", ""))
        return JSONResponse({"mail": [asdict(letter) for letter in letters]})

    async def _empty_mail(self, _request: Request) -> Response:
        self._mailbox.empty()
        return Response(status_code=204)

    async def _skip(self, request: Request) -> Response:
        """{"skip": SECONDS}, or {"skip": "next"} to when the next operation ends, if one runs."""
        wanted = (await request.json()).get("skip")
        if wanted == "next":
            due = timers.next_due(self._cloud, OPERATION_ENDS)
            wanted = max(due - clock.now(), 0.0) if due is not None else 0.0
        if not isinstance(wanted, int | float) or wanted < 0:
            return _bad('skip must be a number of seconds, or "next".')
        self._cloud.store.put(SKIPPED, "all", {"seconds": clock.skip(wanted)})
        timers.run_due(self._cloud, clock.now())
        return JSONResponse({"now": clock.rfc3339(clock.now())})

    async def _pace(self, request: Request) -> Response:
        """{"speed": 1, "durations": {"sql.backup": 60}}: how long things take that begin from now on."""
        wanted = await request.json()
        profile = self._cloud.profile
        try:
            profile.change(float(wanted.get("speed", profile.speed)), dict(wanted.get("durations", {})))
        except (TypeError, ValueError) as error:
            return _bad(str(error))
        return JSONResponse({"speed": profile.speed, "durations": dict(profile.durations)})

    async def _documents(self, request: Request) -> Response:
        """Where a name occurs in all that is kept, so that a test can count what is left of an instance."""
        name, store = request.query_params.get("naming", ""), self._cloud.store
        if not name:
            return _bad("naming must say which name to look for.")
        found = [
            {"collection": collection, "key": key}
            for collection in store.collections()
            for key, document in store.items(collection)
            if name in key or name in json.dumps(document)
        ]
        return JSONResponse({"documents": found})

    async def _snapshot(self, _request: Request) -> Response:
        """All that is kept: documents by collection and key."""
        store = self._cloud.store
        return JSONResponse({collection: dict(store.items(collection)) for collection in store.collections()})

    async def _restore(self, request: Request) -> Response:
        """It is as it was when the snapshot was taken; what became due since is done. Faults are gone."""
        snapshot = await request.json()
        start_afresh(self._cloud)
        self._cloud.store.clear()
        self._put(snapshot)
        return Response(status_code=204)

    async def _add(self, request: Request) -> Response:
        """As if these documents had been in the snapshot, too: how a fleet is made of one instance."""
        self._put(await request.json())
        return Response(status_code=204)

    def _put(self, snapshot: dict[str, dict[str, Document]]) -> None:
        for collection, documents in snapshot.items():
            for key, document in documents.items():
                self._cloud.store.put(collection, key, document)

    async def _reset(self, _request: Request) -> Response:
        start_afresh(self._cloud)
        return Response(status_code=204)


def start_afresh(cloud: Cloud) -> None:
    """Nothing is left but what is there from the start: no resources, no faults, no mail."""
    for cluster_id in cluster_ids(cloud):
        delete_cluster(cloud, cluster_id)
    cloud.store.clear()
    cloud.faults.clear()
    plant(cloud)


def _bad(sentence: str) -> Response:
    return JSONResponse({"error": sentence}, 400)
