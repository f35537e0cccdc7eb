"""The frame around every page, and the small pieces that they share."""

from collections.abc import Iterable, Sequence
from html import escape

from starlette.responses import HTMLResponse

_TONES = {
    "good": {"ACTIVE", "RUNNING", "RUNNABLE", "READY", "SUCCEEDED", "SUCCESSFUL", "ENABLED", "RESERVED", "DONE"},
    "bad": {"ERROR", "FAILED", "DEGRADED"},
    "idle": {"DELETE_REQUESTED", "DELETING", "STOPPING", "DESTROYED"},
}


def page(title: str, body: str, *, status: int = 200, refresh: bool = False) -> HTMLResponse:
    """A whole page; with `refresh` it loads itself again every few seconds."""
    again = '<meta http-equiv="refresh" content="4">' if refresh else ""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{again}
<title>{escape(title)} · devcloud</title><link rel="stylesheet" href="/console.css"></head>
<body><header><a class="brand" href="/">devcloud</a>
<nav><a href="/">Cloud</a><a href="/mail/">Mail</a><a href="/dns/">DNS</a></nav></header>
<main><h1>{escape(title)}</h1>{body}</main></body></html>""",
        status_code=status,
    )


def section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> str:
    """A table of cells that are HTML already, or the sentence `empty`."""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    if not body:
        return f'<p class="empty">{escape(empty)}</p>'
    columns = "".join(f"<th>{escape(column)}</th>" for column in head)
    return f'<div class="scroll"><table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>'


def state(word: str) -> str:
    """A status word with its colour."""
    tone = next((tone for tone, words in _TONES.items() if word in words), "busy")
    return f'<span class="state {tone}">{escape(word)}</span>'


def link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
