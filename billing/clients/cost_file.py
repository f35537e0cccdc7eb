"""A file of Google's standard usage cost export: JSON lines as `bq extract` writes them, or CSV.

CSV cannot hold what is nested: there a column is called by its path (`service.description`), and holds JSON where the
export has a list (`labels`, `project.labels`, `credits`).
"""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from billing.costs.usage import INSTANCE_LABEL, LEFT_OUT, Usage, as_nanos
from portal.core.errors import Invalid

LISTS: Final = ("labels", "project.labels", "credits")


def usages_of(path: Path) -> Iterator[Usage]:
    """What the file tells, taxes left out. Raises Invalid with the number of the line that cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from _usages(_rows_of_csv(file) if path.suffix.lower() == ".csv" else _rows_of_json(file))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from error


def _usages(rows: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[Usage]:
    for number, row in rows:
        try:
            if row.get("cost_type") != LEFT_OUT:
                yield _usage(row)
        except (KeyError, TypeError, AttributeError, ValueError, Invalid) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
            raise Invalid(f"Line {number}: {reason}.") from error


def _usage(row: dict[str, Any]) -> Usage:
    project = row.get("project") or {}
    credited = sum(as_nanos(credit["amount"]) for credit in row.get("credits") or ())
    named = (*_instances(row.get("labels")), *_instances(project.get("labels")))
    return Usage(
        day=_day(row["usage_start_time"]),
        project=project.get("id") or "",
        labels=named,
        service=row["service"]["description"],
        sku=row["sku"]["id"],
        description=row["sku"]["description"],
        currency=row["currency"],
        nanos=as_nanos(row["cost"]) + credited,
    )


def _instances(labels: Any) -> list[str]:
    return [str(label["value"]) for label in labels or () if label["key"] == INSTANCE_LABEL]


def _day(moment: str) -> date:
    """BigQuery writes 2026-11-24 08:00:00 UTC."""
    at = datetime.fromisoformat(moment.replace(" UTC", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).date()


def _rows_of_json(file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield number, _parsed(line, number)


def _rows_of_csv(file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(file)
    for flat in reader:
        number, row = reader.line_num, dict[str, Any]()
        for name, text in flat.items():
            head, _, tail = str(name).partition(".")
            value = _parsed(text or "[]", number) if name in LISTS else text
            if tail:
                row.setdefault(head, {})[tail] = value
            else:
                row[head] = value
        yield number, row


def _parsed(text: str, number: int) -> Any:
    """Numbers as they are written: a float would not be exact."""
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise Invalid(f"Line {number}: {error}.") from error
