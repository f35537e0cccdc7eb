"""The page on which features are adopted: a table, two plots, and the table as a file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from billing.selectors.adoption import Adopted, Adoption, Chosen, Cohort, adoption
from portal.core import clock
from portal.core.admin.words import NOTHING
from portal.core.tables import csv_lines

WIDTH, BAR = 240, 16  # pixels of a feature's bar
MONTH, GAP, HEIGHT = 20, 4, 72  # pixels of the plot of months
COLUMNS: Final = ("feature", "title", "entitled", "opted_in", "opted_in_share", "counted", "used", "used_share")
NOT_COUNTED: Final = "not counted"


@dataclass(frozen=True)
class Line:
    """A feature in the table: its figures in words, and the widths of its bars."""

    adopted: Adopted
    opted_in: str
    used: str
    used_share: str
    entitled_width: int
    opted_in_width: int
    used_width: int
    says: str


@dataclass(frozen=True)
class Bar:
    """A month in the plot, the higher the more of what its instances may use is opted in to."""

    x: int
    y: int
    height: int
    says: str


def page(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse:
    """What is chosen is in the address."""
    chosen = _chosen(request.GET)
    found = adoption(chosen, clock.now())
    most = max((each.entitled for each in found.features), default=0)
    return TemplateResponse(
        request,
        "admin/adoption.html",
        {
            **context,
            "title": "Adoption",
            "instances": found.instances,
            "lines": [_line(each, most) for each in found.features],
            "bars": [_bar(number, cohort) for number, cohort in enumerate(found.by_cohort)],
            "plot": {"width": max(1, len(found.by_cohort)) * (MONTH + GAP) - GAP, "height": HEIGHT, "bar": MONTH},
            "cohorts": [(cohort, _percent(_share(cohort))) for cohort in found.by_cohort],
            "bar": {"width": WIDTH, "height": BAR},
            "choices": _choices(found, chosen),
            "query": urlencode(_asked(chosen)),
        },
    )


def table(request: HttpRequest) -> HttpResponseBase:
    """The rows of the page as CSV, for what is chosen there. Shares are from 0 to 1; empty is what nobody knows."""
    chosen = _chosen(request.GET)
    found = adoption(chosen, clock.now())
    name = "-".join(["adoption", *_asked(chosen).values(), f"{clock.now():%Y-%m-%d}"])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    lines = csv_lines(COLUMNS, [_row(each) for each in found.features])
    return StreamingHttpResponse(lines, content_type="text/csv", headers=headers)


def _chosen(query: QueryDict) -> Chosen:
    return Chosen(**{name: query.get(name, "") for name in ("channel", "cohort", "plan")})


def _asked(chosen: Chosen) -> dict[str, str]:
    return {name: value for name, value in asdict(chosen).items() if value}


def _row(each: Adopted) -> dict[str, Any]:
    return {
        "feature": each.name,
        "title": each.title,
        "entitled": each.entitled,
        "opted_in": each.opted_in,
        "opted_in_share": _rounded(each.opted_in_share),
        "counted": each.told,
        "used": each.used,
        "used_share": _rounded(each.used_share),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _line(each: Adopted, most: int) -> Line:
    def width(count: int | None) -> int:
        return round(WIDTH * (count or 0) / most) if most else 0

    used = NOT_COUNTED if each.used is None else f"{each.used:,} of {each.told:,}"
    return Line(
        adopted=each,
        opted_in=_percent(each.opted_in_share),
        used=used,
        used_share=_percent(each.used_share),
        entitled_width=width(each.entitled),
        opted_in_width=width(each.opted_in),
        used_width=width(each.used),
        says=f"{each.title}: {each.entitled:,} entitled, {each.opted_in:,} opted in, used: {used}",
    )


def _bar(number: int, cohort: Cohort) -> Bar:
    height = round(HEIGHT * (_share(cohort) or 0))
    says = f"{cohort.month}: {_percent(_share(cohort))}, {cohort.instances:,} instances"
    return Bar(number * (MONTH + GAP), HEIGHT - height, height, says)


def _share(cohort: Cohort) -> float | None:
    return cohort.opted_in / cohort.entitled if cohort.entitled else None


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.0%}"


def _choices(found: Adoption, chosen: Chosen) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """By what can be chosen: its name, and of each value the query that chooses it, and whether it is chosen."""
    offered = {"channel": found.channels, "cohort": found.cohorts, "plan": found.plans}
    return [(name, [_choice(name, value, chosen) for value in ("", *values)]) for name, values in offered.items()]


def _choice(name: str, value: str, chosen: Chosen) -> tuple[str, str, bool]:
    """All else that is chosen stays so."""
    query = urlencode(_asked(replace(chosen, **{name: value})))
    return value or "all", query, getattr(chosen, name) == value
