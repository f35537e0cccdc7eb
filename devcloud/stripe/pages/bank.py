"""The page of a bank that wants to know who pays."""

from html import escape

from starlette.responses import Response

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import collecting
from devcloud.stripe.errors import invalid
from devcloud.stripe.pages import checkout
from devcloud.stripe.pages.frame import Form, button, gone, hosted, redirect, warning
from devcloud.stripe.services.setup_intents import succeed

_FAILED = "We are unable to authenticate your payment method. Please choose a different one and try again."


def show(books: Books, key: str, message: str, _form: Form) -> Response:
    """The question, for whatever waits for its answer."""
    if not _waits(books, key):
        return gone("Nobody waits for an answer here.")
    acts = f'<div class="acts">{button("complete", "Complete", "primary")}{button("fail", "Fail", "danger")}</div>'
    body = f"<p>Is it you who pays? ({escape(key)})</p>"
    return hosted("Your bank asks", f'<form method="post">{warning(message)}{body}{acts}</form>')


def work(books: Books, key: str, form: Form) -> Response:
    """The answer has its consequences, and the visitor is back where the question came up."""
    if not _waits(books, key):
        raise invalid("Nobody waits for an answer here.")
    known = form.get("act") == "complete"
    if key.startswith("cs_"):
        return _of_session(books, key, known=known)
    if key.startswith("seti_"):
        return _of_setup(books, books.need("setup_intent", key), known=known)
    intent = books.need("payment_intent", key)
    if known:
        collecting.authenticated(books, intent)
    else:
        collecting.not_authenticated(books, intent)
    invoice = books.find("invoice", intent["_invoice"] or "")
    return redirect(invoice["hosted_invoice_url"] if invoice else "/stripe/")


def _waits(books: Books, key: str) -> bool:
    if key.startswith("cs_"):
        session = books.find(checkout.KIND, key)
        return bool(session and session["status"] == "open" and session["_method"])
    kind = "setup_intent" if key.startswith("seti_") else "payment_intent"
    intent = books.find(kind, key)
    return bool(intent and intent["status"] == "requires_action")


def _of_session(books: Books, key: str, *, known: bool) -> Response:
    session = books.need(checkout.KIND, key)
    method = books.need("payment_method", session["_method"])
    session["_method"] = None
    if not known:
        return redirect(f"/stripe/checkout/{key}?failed=1")
    method["_set_up"] = method["_just_asked"] = True
    return checkout.finish(books, session, books.need("customer", session["_customer"]), method)


def _of_setup(books: Books, intent: Json, *, known: bool) -> Response:
    if known:
        succeed(books, intent)
        customer = books.need("customer", intent["customer"])
        customer["invoice_settings"] = {
            **customer["invoice_settings"],
            "default_payment_method": intent["payment_method"],
        }
    else:
        intent["status"], intent["next_action"] = "requires_payment_method", None
        intent["last_setup_error"] = {
            "code": "setup_intent_authentication_failure",
            "message": _FAILED,
            "type": "card_error",
        }
        books.tell("setup_intent.setup_failed", intent)
    return redirect(intent.get("_return") or "/stripe/")
