"""What an instance tells us of its use: this list, and nothing else (decision 15).

Each is one number, counted inside the instance by its statement against the application's own database; only numbers
leave it. docs/privacy.md is made of this list. The tables are the application's, as its schema.md has them:
github.com/sourcegraph/sourcegraph, internal/database/schema.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal.core.errors import Invalid
from provisioning.fleet.versions import order

SEATS, ACTIVE_DAY, ACTIVE_WEEK, ACTIVE_MONTH = "seats", "active_1d", "active_7d", "active_30d"
MOST: Final = 1_000_000_000  # no figure comes near it, and all that is reckoned with it stays an integer
NO_FIGURES: Final = "A ping is one JSON object of whole numbers that are not negative, such as {“seats”: 31}."
NONE_KNOWN: Final = "There is none of the figures in it that are collected."


@dataclass(frozen=True)
class Figure:
    """One number: what it is called, what people read of it, why it is collected, how it is counted.

    `since` is the first architecture that counts it: so a further figure comes by a rollout, and is no drift before.
    """

    name: str
    title: str
    reason: str
    sql: str
    since: str = "1.2"


def _active(days: int) -> str:
    """People who were signed in and did something; 0 is who was not signed in, and what the application does itself."""
    since = f"\"timestamp\" >= now() - interval '{days} days'"
    return f"SELECT count(DISTINCT user_id) FROM event_logs WHERE user_id > 0 AND {since}"  # noqa: S608 - our own number


COLLECTED: Final = (
    Figure(
        SEATS,
        "Accounts that are not deleted",
        "Seats are paid for by these, and whoever has too few of them is to know.",
        "SELECT count(*) FROM users WHERE deleted_at IS NULL",
    ),
    Figure(
        ACTIVE_DAY,
        "People who used it within a day",
        "Says whether anybody would notice if it stood still now.",
        _active(1),
    ),
    Figure(
        ACTIVE_WEEK,
        "People who used it within 7 days",
        "Tells whether a trial is being tried, and a customer in need of help.",
        _active(7),
    ),
    Figure(
        ACTIVE_MONTH,
        "People who used it within 30 days",
        "Beside the accounts it says which seats nobody needs.",
        _active(30),
    ),
    Figure(
        "repositories",
        "Repositories",
        "What the size of an instance, and so of its disks, has to be follows from it.",
        "SELECT count(*) FROM repo WHERE deleted_at IS NULL AND blocked IS NULL",
    ),
    Figure(
        "batch_changes",
        "Batch changes that are open",
        "Says whether a feature that is paid for is used.",
        "SELECT count(*) FROM batch_changes WHERE closed_at IS NULL",
    ),
)
NAMES: Final = frozenset(figure.name for figure in COLLECTED)


def counting_statement(architecture: str) -> str:
    """All that this architecture counts in one statement, which returns one JSON object: all are of the same moment."""
    counted = [figure for figure in COLLECTED if order(figure.since) <= order(architecture)]
    pairs = ", ".join(f"'{figure.name}', ({figure.sql})" for figure in counted)
    return f"SELECT json_build_object({pairs})"


def figures_in(document: Any) -> dict[str, int]:
    """Those of a ping's figures that are collected; what else is in it is forgotten here.

    Raises Invalid for what is not an object of numbers, or has none that we know.
    """
    if not isinstance(document, Mapping) or not all(map(_is_figure, document.values())):
        raise Invalid(NO_FIGURES)
    known = {name: int(document[name]) for name in document if name in NAMES}
    if not known:
        raise Invalid(NONE_KNOWN)
    return known


def _is_figure(value: Any) -> bool:
    """JSON's true is no number, although Python's is."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
