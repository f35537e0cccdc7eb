"""Lives of instances, as hypothesis makes them and as tests write them down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from billing.costs.history import Change, Life, State
from provisioning.fleet.catalogue import SIZES
from provisioning.models import Size
from provisioning.spec import SizeSpec

ALL = {row["name"]: SizeSpec.of(Size(**row)) for row in SIZES}
BEGIN, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

sizes = st.sampled_from(list(ALL.values()))
moments = st.datetimes(datetime(2026, 10, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - naive, as hypothesis wants them
states = st.builds(State, size=sizes, is_suspended=st.booleans())
lives = st.builds(
    Life,
    size=sizes,
    ready_at=st.none() | moments,
    suspended_at=st.none() | moments,
    deleted_at=st.none() | moments,
    changes=st.lists(st.builds(Change, at=moments, state=states), max_size=6).map(tuple),
)


def day(text: str, hour: int = 0) -> datetime:
    """Such as 11-24 of this year."""
    return datetime.fromisoformat(f"2026-{text}T00:00:00+00:00") + timedelta(hours=hour)


def life(size: str = "s", ready: str = "11-01", **fields: Any) -> Life:
    return Life(ALL[size], day(ready), **fields)


def change(at: str, size: str = "s", *, is_suspended: bool = False) -> Change:
    return Change(day(at), State(ALL[size], is_suspended))


def never_suspended(one: Life) -> Life:
    """The same life, running all the time."""
    running = tuple(replace(each, state=replace(each.state, is_suspended=False)) for each in one.changes)
    return replace(one, suspended_at=None, changes=running)
