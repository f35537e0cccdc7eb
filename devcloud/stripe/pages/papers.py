"""Invoices as PDF, and a list of all there is for whoever looks at the console."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devcloud import clock
from devcloud.cloud import Cloud
from devcloud.pages.layout import code, link, page, section, state, table
from devcloud.stripe.books import Books, Json
from devcloud.stripe.deliveries import DELIVERIES
from devcloud.stripe.engine.periods import day
from devcloud.stripe.money import written
from devcloud.stripe.pages.frame import gone
from devcloud.stripe.pages.invoice import find

_SHOWN = 40


def routes(cloud: Cloud) -> list[Route]:
    async def pdf(request: Request) -> Response:
        invoice = find(Books(cloud, clock.now()), request.path_params["key"])
        if invoice is None:
            return gone("There is no such invoice.")
        return Response(_pdf(_sentences(invoice)), media_type="application/pdf")

    async def overview(_request: Request) -> Response:
        books = Books(cloud, clock.now())
        shown = section("Subscriptions", _subscriptions(books)) + section("Invoices", _invoices(books))
        return page("Stripe", shown + section("Deliveries", _deliveries(cloud)), refresh=True)

    return [Route("/stripe/invoice/{key}/pdf", pdf), Route("/stripe/", overview)]


def _subscriptions(books: Books) -> str:
    rows = []
    for subscription in books.all("subscription")[:_SHOWN]:
        customer = books.find("customer", subscription["customer"]) or {}
        ends = min(item["current_period_end"] for item in subscription["items"]["data"])
        named = customer.get("name") or customer.get("email") or subscription["customer"]
        rows.append((state(subscription["status"]), code(subscription["id"]), named, day(ends)))
    return table(("Status", "Subscription", "Customer", "Period ends"), rows, "There are no subscriptions.")


def _invoices(books: Books) -> str:
    rows = [
        (
            state(invoice["status"]),
            link(invoice["hosted_invoice_url"], invoice["number"]) if invoice["number"] else code(invoice["id"]),
            written(invoice["amount_due"], invoice["currency"]),
            day(invoice["created"]),
        )
        for invoice in books.all("invoice")[:_SHOWN]
    ]
    return table(("Status", "Invoice", "Amount", "Date"), rows, "There are no invoices.")


def _deliveries(cloud: Cloud) -> str:
    recent = [delivery for _key, delivery in cloud.store.items(DELIVERIES)][: -_SHOWN - 1 : -1]
    rows = [
        (state(delivery["state"]), code(delivery["type"]), code(delivery["event"]), str(len(delivery["attempts"])))
        for delivery in recent
    ]
    return table(("State", "Type", "Event", "Tries"), rows, "Nothing has been sent yet.")


def _sentences(invoice: Json) -> list[str]:
    currency = invoice["currency"]
    return [
        f"Invoice {invoice['number'] or '(draft)'}, {invoice['status']}",
        f"For {invoice['customer_name'] or invoice['customer_email']}, {day(invoice['created'])}",
        "",
        *(f"{line['description']}: {written(line['amount'], currency)}" for line in invoice["lines"]["data"]),
        "",
        f"Amount due: {written(invoice['amount_due'], currency)}",
    ]


def _pdf(sentences: list[str]) -> bytes:
    """One page of Helvetica, by the book: objects, a table of where they are, a trailer."""
    shown = [sentence.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for sentence in sentences]
    text = "BT /F1 11 Tf 16 TL 56 780 Td " + " ".join(f"({sentence}) Tj T*" for sentence in shown) + " ET"
    stream = text.encode("cp1252", errors="replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    written_out = b"%PDF-1.4\n"
    places: list[int] = []
    for number, content in enumerate(objects, start=1):
        places.append(len(written_out))
        written_out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table_of = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table_of)
    tail = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(written_out))
    return written_out + head + tail
