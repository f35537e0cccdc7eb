"""Rows that matter keep what they were: the database itself writes that down at every change, whoever makes it.

The audit (portal.core.audit) says who did what and why, and is written by our code. This is the other half: what a row
was before and after, also where somebody has gone past our code. Nobody may change or remove it: a trigger refuses.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import pghistory
from django.db.models import Model

VERSIONS: Final = "former_versions"
M = TypeVar("M", bound=type[Model])


@dataclass(frozen=True)
class FieldChange:
    """What a field was, and what it became; None where there was no row before, or is none after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class RowChange:
    """`what` is insert, update or delete."""

    at: datetime
    what: str
    fields: tuple[FieldChange, ...]


def keeps_versions(*, fields: Sequence[str] = (), exclude: Sequence[str] = ()) -> Callable[[M], M]:
    """The model's rows keep their versions: of all fields, of `fields`, or of all but `exclude`.

    What is personal does not belong in there, since nothing of it is ever forgotten.
    """

    def decorate(model: M) -> M:
        tracked: M = pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(),
            pghistory.DeleteEvent(),
            model_name=f"{model.__name__}Version",
            fields=list(fields) or None,
            exclude=list(exclude) or None,
            obj_field=pghistory.ObjForeignKey(related_name=VERSIONS, related_query_name="+"),
            context_field=None,  # type: ignore[arg-type] # as its documentation has it
            append_only=True,
        )(model)
        return tracked

    return decorate


def has_versions(model: type[Model]) -> bool:
    return hasattr(model, VERSIONS)


def is_version(model: type[Model]) -> bool:
    """Whether its rows are former versions of another model's."""
    return hasattr(model, "pgh_tracked_model")


def changes_of(row: Model, most: int) -> list[RowChange]:
    """The newest first, as many as `most`. One query."""
    newest = list(getattr(row, VERSIONS).order_by("-pgh_id")[: most + 1])
    pairs = zip(newest, [*newest[1:], None], strict=True)
    return [change for version, before in pairs if (change := _change(version, before)).fields][:most]


def _change(version: Any, before: Any) -> RowChange:
    is_gone = version.pgh_label == "delete"
    return RowChange(version.pgh_created_at, version.pgh_label, tuple(_fields(version, before, is_gone=is_gone)))


def _fields(version: Any, before: Any, *, is_gone: bool) -> Iterator[FieldChange]:
    for field in version._meta.concrete_fields:  # noqa: SLF001 - Django's documented model API
        if field.name.startswith("pgh_"):
            continue
        was = getattr(before, field.attname) if before else None
        now = None if is_gone else getattr(version, field.attname)
        if was != now:
            yield FieldChange(field.verbose_name, was, now)
