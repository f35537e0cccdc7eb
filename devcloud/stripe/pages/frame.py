"""What the hosted pages share: the frame, the card fields, and how a visit is worked off."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from devcloud import clock, timers
from devcloud.cloud import Cloud
from devcloud.pages.layout import page
from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.cards import CARDS, card_of
from devcloud.stripe.engine.plans import close
from devcloud.stripe.errors import StripeError, card_declined
from devcloud.stripe.services.payment_methods import new_method

STYLE = Path(__file__).with_name("hosted.css")

Form = dict[str, str]
Work = Callable[[Books, Form], Response]
Show = Callable[[Books, str, Form], Response]


def hosted(title: str, body: str, *, status: int = 200) -> Response:
    """A page of Stripe's."""
    style = '<link rel="stylesheet" href="/stripe/hosted.css">'
    return page(title, f'{style}<div class="hosted">{body}</div>', status=status)


def gone(sentence: str, status: int = 404) -> Response:
    return hosted("Not here", f'<p class="empty">{escape(sentence)}</p>', status=status)


async def style(_request: Request) -> Response:
    return FileResponse(STYLE, media_type="text/css")


async def visit(cloud: Cloud, request: Request, work: Work, show: Show) -> Response:
    """The page is shown; after a POST what was asked for is done first, and a refusal stands on the page."""
    timers.run_due(cloud, clock.now())
    books = Books(cloud, clock.now())
    if request.method != "POST":
        return show(books, "", dict(request.query_params))
    form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
    try:
        answer = work(books, form)
        close(books)
    except StripeError as error:
        if error.happened:
            close(books)
        return show(Books(cloud, clock.now()), error.message, form)
    return answer


def redirect(address: str) -> Response:
    return RedirectResponse(address, 303)


def warning(message: str) -> str:
    return f'<p class="warning" role="alert">{escape(message)}</p>' if message else ""


def field(name: str, label: str, value: str = "", **attributes: str) -> str:
    more = "".join(f' {key}="{escape(text)}"' for key, text in attributes.items())
    return f'<label>{escape(label)}<input name="{escape(name)}" value="{escape(value)}"{more}></label>'


def button(act: str, text: str, kind: str = "") -> str:
    return f'<button name="act" value="{escape(act)}" class="{kind}">{escape(text)}</button>'


def card_fields() -> str:
    """Number, expiry and code, and the cards that can be tried."""
    rows = "".join(f"<li><code>{card.number}</code> {escape(card.title)}</li>" for card in CARDS)
    fields = (
        field("number", "Card number", placeholder="4242 4242 4242 4242", inputmode="numeric", autocomplete="off"),
        field("expiry", "Expiry", placeholder="12 / 34", inputmode="numeric", autocomplete="off"),
        field("cvc", "CVC", placeholder="123", inputmode="numeric", autocomplete="off"),
    )
    tried = f"<details><summary>Test cards</summary><ul>{rows}</ul></details>"
    return f'<div class="card">{"".join(fields)}</div>{tried}'


def read_card(books: Books, form: Form) -> Json:
    """The payment method that was typed in. Raises StripeError for what no card has."""
    card = card_of(form.get("number", ""))
    month, _, year = form.get("expiry", "").replace(" ", "").partition("/")
    if not (month.isdigit() and year.isdigit() and 1 <= int(month) <= 12):
        raise card_declined("invalid_expiry_month", "", "Your card's expiration date is incomplete.")
    full_year = int(year) + (2000 if int(year) < 100 else 0)
    today = datetime.fromtimestamp(books.at, UTC)
    if (full_year, int(month)) < (today.year, today.month):
        raise card_declined("expired_card", "expired_card", "Your card's expiration year is in the past.")
    code = form.get("cvc", "")
    if not (code.isdigit() and len(code) in {3, 4}):
        raise card_declined("incorrect_cvc", "", "Your card's security code is incomplete.")
    return new_method(books, card, (int(month), full_year))
