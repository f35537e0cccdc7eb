"""What may be asked of Stripe beside its API: trouble with events, cards and charges, and the account's settings."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcloud import clock
from devcloud.cloud import Cloud
from devcloud.stripe import rules
from devcloud.stripe.books import Books, Json
from devcloud.stripe.deliveries import DELIVERIES, courier
from devcloud.stripe.engine.cards import order_declines
from devcloud.stripe.engine.disputing import close_dispute, open_dispute, refund
from devcloud.stripe.engine.plans import close
from devcloud.stripe.errors import StripeError
from devcloud.stripe.present import public
from devcloud.stripe.services.webhook_endpoints import roll
from devcloud.stripe.settings import change_settings, settings

_BASE = "/_control/stripe"

Answer = Callable[[Request], Awaitable[Response]]


def control_routes(cloud: Cloud) -> list[Route]:
    """Routes below /_control/stripe/, to be mounted beside the others of the control API."""
    post, get = ["POST"], ["GET"]
    return [
        Route(f"{_BASE}/settings", _settings(cloud), methods=["GET", "PUT"]),
        Route(f"{_BASE}/rules", _rules(cloud), methods=["GET", "POST", "DELETE"]),
        Route(f"{_BASE}/deliveries", _deliveries(cloud), methods=get),
        Route(f"{_BASE}/deliveries/{{id}}/redeliver", _redeliver(cloud), methods=post),
        Route(f"{_BASE}/release", _release(cloud), methods=post),
        Route(f"{_BASE}/declines", _asked(cloud, _decline), methods=post),
        Route(f"{_BASE}/disputes", _asked(cloud, _dispute), methods=post),
        Route(f"{_BASE}/disputes/{{id}}", _asked(cloud, _close_dispute), methods=post),
        Route(f"{_BASE}/refunds", _asked(cloud, _refund), methods=post),
        Route(f"{_BASE}/endpoints/{{id}}/rotate", _asked(cloud, _rotate), methods=post),
    ]


def _settings(cloud: Cloud) -> Answer:
    async def answer(request: Request) -> Response:
        """{"exhausted": "cancel", "retry_days": [1, 3]}: what happens from now on happens by these."""
        if request.method == "PUT":
            try:
                change_settings(cloud, await request.json())
            except ValueError as error:
                return _bad(str(error))
        return JSONResponse(settings(cloud))

    return answer


def _rules(cloud: Cloud) -> Answer:
    async def answer(request: Request) -> Response:
        """{"act": "hold", "type": "invoice.*", "nth": 1}; act is hold, drop, duplicate or mute."""
        if request.method == "DELETE":
            rules.clear_rules(cloud)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if request.method == "POST":
            try:
                return JSONResponse(rules.add_rule(cloud, await request.json()), HTTPStatus.CREATED)
            except ValueError as error:
                return _bad(str(error))
        return JSONResponse({"rules": rules.list_rules(cloud)})

    return answer


def _deliveries(cloud: Cloud) -> Answer:
    async def answer(request: Request) -> Response:
        """Oldest first; ?state=held&type=invoice.*&event=evt_1 choose some."""
        wanted = request.query_params
        found = [
            public(Books(cloud, clock.now()), delivery)
            for _key, delivery in cloud.store.items(DELIVERIES)
            if wanted.get("state") in {None, delivery["state"]}
            and wanted.get("event") in {None, delivery["event"]}
            and rules.fits(wanted.get("type", "*"), delivery["type"])
        ]
        return JSONResponse({"deliveries": found})

    return answer


def _redeliver(cloud: Cloud) -> Answer:
    async def answer(request: Request) -> Response:
        """It is sent now, whatever its state."""
        await courier(cloud).deliver(request.path_params["id"])
        delivery = cloud.store.get(DELIVERIES, request.path_params["id"])
        return JSONResponse(delivery) if delivery else _bad("There is no such delivery.", HTTPStatus.NOT_FOUND)

    return answer


def _release(cloud: Cloud) -> Answer:
    async def answer(request: Request) -> Response:
        """{"deliveries": [ids]} are sent one after the other in that order; without, all that are held back, in the
        order in which they were made or, with {"order": "reversed"}, the other way round.
        """
        form = await request.json() if await request.body() else {}
        held = [key for key, delivery in cloud.store.items(DELIVERIES) if delivery["state"] == "held"]
        keys = form.get("deliveries", held[::-1] if form.get("order") == "reversed" else held)
        for key in keys:
            await courier(cloud).deliver(key)
        return JSONResponse({"released": keys})

    return answer


def _asked(cloud: Cloud, act: Callable[[Books, Json, str], Json]) -> Answer:
    """A deed on the books, with the JSON of the request and the id in its address."""

    async def answer(request: Request) -> Response:
        form = await request.json() if await request.body() else {}
        books = Books(cloud, clock.now())
        try:
            found = act(books, form, request.path_params.get("id", ""))
        except StripeError as error:
            return _bad(error.message, error.status)
        shown = public(books, found)
        close(books)
        return JSONResponse(shown)

    return answer


def _decline(books: Books, form: Json, _key: str) -> Json:
    """{"customer": ID, "count": 2, "code": "insufficient_funds"}: so many of its next charges are declined."""
    customer = books.need("customer", str(form.get("customer")), "customer")
    codes = [str(form.get("code", "generic_decline"))] * int(form.get("count", 1))
    order_declines(books.cloud, customer["id"], codes)
    return {"customer": customer["id"], "declines": codes}


def _dispute(books: Books, form: Json, _key: str) -> Json:
    """{"charge": ID} or {"invoice": ID}, and perhaps a reason."""
    return open_dispute(books, _charge(books, form), str(form.get("reason", "fraudulent")))


def _close_dispute(books: Books, form: Json, key: str) -> Json:
    """{"status": "won"} or lost."""
    dispute = books.need("dispute", key)
    close_dispute(books, dispute, str(form.get("status", "lost")))
    return dispute


def _refund(books: Books, form: Json, _key: str) -> Json:
    """{"charge": ID} or {"invoice": ID}, and perhaps an amount."""
    return refund(books, _charge(books, form), form.get("amount"))


def _rotate(books: Books, form: Json, key: str) -> Json:
    """{"overlap_seconds": 3600}: a new secret, which is answered; the old one signs beside it for so long."""
    endpoint = books.need("webhook_endpoint", key)
    return {"id": key, "secret": roll(books, endpoint, int(form.get("overlap_seconds", 24 * 3600)))}


def _charge(books: Books, form: Json) -> Json:
    key = form.get("charge")
    if key is None:
        invoice = books.need("invoice", str(form.get("invoice")), "invoice")
        key = books.need("payment_intent", invoice["_intent"] or "", "invoice")["latest_charge"]
    return books.need("charge", str(key), "charge")


def _bad(sentence: str, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    return JSONResponse({"error": sentence}, status)
