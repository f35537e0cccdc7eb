"""How the admin's pages say times, durations and states."""

from datetime import datetime
from functools import lru_cache

from django.template.defaultfilters import date as format_date
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core import clock

NOTHING = "\N{EN DASH}"
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
# What a state looks like: a tone and an icon beside the word, never the colour alone.
GOOD, BUSY, WARN, BAD, CALM = "success", "primary", "warning", "danger", ""
LOOKS = {
    "running": (GOOD, "check_circle"),
    "succeeded": (GOOD, "check_circle"),
    "done": (GOOD, "check_circle"),
    "pending": (CALM, "schedule"),
    "queued": (CALM, "schedule"),
    "waiting": (BUSY, "hourglass_top"),
    "coming up": (BUSY, "progress_activity"),
    "under way": (BUSY, "progress_activity"),
    "undoing": (WARN, "undo"),
    "late": (WARN, "alarm"),
    "retry": (WARN, "refresh"),
    "stopping": (WARN, "front_hand"),
    "adrift": (BAD, "link_off"),
    "does not stop": (WARN, "front_hand"),
    "slow": (WARN, "hourglass_bottom"),
    "queued too long": (WARN, "schedule"),
    "suspended": (WARN, "pause_circle"),
    "healthy": (GOOD, "check_circle"),
    "degraded": (WARN, "heart_broken"),
    "down": (BAD, "error"),
    "unknown": (CALM, "visibility_off"),
    "failed": (BAD, "error"),
    "stuck": (BAD, "report"),
    "cancelled": (CALM, "block"),
    "undone": (CALM, "undo"),
    "skipped": (CALM, "skip_next"),
    "deleted": (CALM, "delete"),
    "as wanted": (GOOD, "check_circle"),
    "differs": (WARN, "difference"),
    "missing": (BAD, "help_center"),
    "unclear": (WARN, "visibility_off"),
    "follows": (CALM, "more_horiz"),
    "being looked at": (BUSY, "progress_activity"),
    "open": (BAD, "leak_add"),
    "resolved": (GOOD, "check_circle"),
}


@lru_cache(maxsize=1_000)
def pill(word: str, *, look: str = "") -> SafeString:
    """The word with the colour and the icon of its state (or of `look`). Kept: a list says the same few many times."""
    tone, icon = LOOKS.get(look or word, (CALM, ""))
    return SafeString(
        render_to_string("unfold/helpers/label.html", {"text": word, "variant": tone, "icon": icon, "class": "pill"})
    )


def sending(sent_at: datetime | None, error: str) -> SafeString:
    """Whether what is to be sent has gone, is tried again after an error, or waits for its first try."""
    if sent_at:
        return pill("sent", look="done")
    return pill("failing", look="failed") if error else pill("waiting")


def duration(seconds: float | None, units: int = 2) -> str:
    """For example “4 min 12 s”: the largest units."""
    if seconds is None:
        return NOTHING
    left, words = max(0, round(seconds)), list[str]()
    for size, unit in UNITS:
        count, left = divmod(left, size)
        if count or words:
            words.append(f"{count} {unit}")
    return " ".join(words[:units]) or "0 s"


def when(at: datetime | None) -> SafeString | str:
    """How long ago, or how soon, with the exact time on hover."""
    if at is None:
        return NOTHING
    away = (at - clock.now()).total_seconds()
    span = duration(abs(away), units=1)
    words = f"in {span}" if away > 0 else f"{span} ago"
    return format_html(
        '<time datetime="{}" title="{} UTC" class="tabular">{}</time>',
        at.isoformat(timespec="seconds"),
        format_date(at, "Y-m-d H:i:s"),
        words,
    )
