"""The inbox: every mail that was sent, to whomever."""

import re
from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devcloud.clock import rfc3339_seconds
from devcloud.mailbox import Letter, Mailbox
from devcloud.pages.layout import link, page, section, table

_ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


def inbox_routes(mailbox: Mailbox) -> list[Route]:
    async def inbox(_request: Request) -> Response:
        rows = [
            (
                link(f"/mail/{letter.id}", letter.subject or "(no subject)"),
                escape(", ".join(letter.recipients)),
                _when(letter),
            )
            for letter in mailbox.letters()
        ]
        return page("Mail", table(("Subject", "To", "Received"), rows, "No mail has come yet."), refresh=True)

    async def letter(request: Request) -> Response:
        found = mailbox.letter(request.path_params["id"])
        if found is None:
            return page("Not here", '<p class="empty">There is no such mail.</p>', status=404)
        return page(found.subject or "(no subject)", _letter(found))

    return [Route("/mail/", inbox), Route("/mail/{id:int}", letter)]


def _letter(letter: Letter) -> str:
    facts = {"From": letter.sender, "To": ", ".join(letter.recipients), "Received": rfc3339_seconds(letter.received_at)}
    head = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    shown = [f"<dl>{head}</dl>"]
    if letter.text:
        shown.append(section("Text", f"<pre>{_linked(letter.text)}</pre>"))
    if letter.html:
        # No scripts; a click opens in the whole window, as it would from a mail program.
        document = escape(f'<base target="_top">{letter.html}')
        sandbox = "allow-top-navigation-by-user-activation"
        shown.append(section("HTML", f'<iframe title="HTML part" sandbox="{sandbox}" srcdoc="{document}"></iframe>'))
    return "".join(shown)


def _linked(text: str) -> str:
    """The text as HTML, its addresses as links."""
    parts, position = [], 0
    for found in _ADDRESS.finditer(text):
        parts += [escape(text[position : found.start()]), link(found[0], found[0])]
        position = found.end()
    return "".join([*parts, escape(text[position:])])


def _when(letter: Letter) -> str:
    moment = rfc3339_seconds(letter.received_at)
    return f'<time datetime="{moment}">{moment.replace("T", " ").removesuffix("Z")}</time>'
