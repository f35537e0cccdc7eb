"""What Google has charged is taken in from an export of Cloud Billing: a table in BigQuery, or a file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from billing.clients.cost_export import usages
from billing.clients.cost_file import usages_of
from billing.costs.series import DAY
from billing.costs.sums import as_cents
from billing.costs.usage import Usage, summed
from billing.models import CostLine
from billing.terms.money import money
from portal.core import clock
from portal.core.audit import Actor, record
from provisioning.models import Instance

# Cloud Billing corrects usage of the last days; its page on data frequency names no limit, five days are most of it.
CORRECTED_DAYS: Final = 5
MOST_DAYS: Final = 62  # this month and the last: the export itself goes back no further when it is switched on
MOST_NAMED: Final = 20
COMPARED: Final = "USD"
AT_ONCE: Final = 2_000
Days = tuple[date, date]  # from the first to the day before the second


@dataclass
class TakenIn:
    """How many lines were written; `strange` is what belongs to no instance: nanos by project and currency."""

    lines: int = 0
    days: set[date] = field(default_factory=set)
    strange: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    currencies: set[str] = field(default_factory=set)

    @property
    def changes(self) -> list[str]:
        if not self.days:
            return []
        return [f"{_counted(self.lines, 'line')} of {_counted(len(self.days), 'day')}, the last {max(self.days)}."]

    @property
    def problems(self) -> list[str]:
        if not self.days:
            return ["The export says nothing of the last days, so nothing has been replaced. Is it switched on?"]
        return [*_strangers(self.strange), *_foreign(self.currencies)]


def costs_refresh() -> TakenIn:
    """The last days, and what is missing before them, are as the table has them. Raises as the client does."""
    taken = TakenIn()
    for since, until in _spans(clock.now().date()):
        costs_take_in(usages(settings.GOOGLE_COST_TABLE, since, until), taken, is_whole=True)
    return taken


def costs_import(*, path: Path, actor: Actor) -> TakenIn:
    """What the file tells has taken the place of what was known of the same instances and days."""
    with transaction.atomic():
        taken = costs_take_in(usages_of(path), TakenIn(), is_whole=False)
        record("costs.import", "costs", actor=actor, details={"file": path.name, "lines": taken.lines})
    return taken


def costs_take_in(told: Iterable[Usage], taken: TakenIn, *, is_whole: bool) -> TakenIn:
    """What is told is written down, and counted in `taken`. It stands in the place of what was known of the same days:
    of all instances where it `is_whole`, otherwise of those that it tells of.
    """
    found = summed(told)
    lines = _lines(found, taken)
    if found:
        with transaction.atomic():
            _outdated(lines, is_whole=is_whole).delete()
            CostLine.objects.bulk_create(lines, batch_size=AT_ONCE)
    taken.lines += len(lines)
    taken.days |= {usage.day for usage in found}
    taken.currencies |= {usage.currency for usage in found}
    return taken


def _spans(today: date) -> Iterator[Days]:
    """A few days each, the oldest first: a run that dies is gone on with by the next, where it has ended."""
    newest = CostLine.objects.aggregate(day=Max("day"))["day"]
    first, end = today - MOST_DAYS * DAY, today + DAY
    since = max(first, min(newest, today) - CORRECTED_DAYS * DAY) if newest else first
    while since < end:
        until = min(since + CORRECTED_DAYS * DAY, end)
        yield since, until
        since = until


def _lines(found: list[Usage], taken: TakenIn) -> list[CostLine]:
    """One for each instance, day and SKU; a SKU that was renamed within a day has the later name."""
    owners, lines = _owners(found), dict[tuple[object, ...], CostLine]()
    for usage in found:
        owner = owners.get(usage)
        if owner is None:
            taken.strange[usage.project, usage.currency] += usage.nanos
            continue
        key = (owner, usage.day, usage.service, usage.sku, usage.currency)
        line = lines.setdefault(key, _line(owner, usage))
        line.nanos += usage.nanos
    return list(lines.values())


def _line(owner: str, usage: Usage) -> CostLine:
    return CostLine(
        instance_id=owner,
        day=usage.day,
        service=usage.service[:120],
        sku=usage.sku,
        description=usage.description[:300],
        currency=usage.currency,
        nanos=0,
    )


def _owners(found: list[Usage]) -> dict[Usage, str]:
    """Whose it is: the project's, which is called as its instance, or else whoever is named by a label."""
    named = {name for usage in found for name in (usage.project, *usage.labels)}
    known = set(Instance.objects.filter(pk__in=named).values_list("pk", flat=True))
    fitting = {usage: [name for name in (usage.project, *usage.labels) if name in known] for usage in found}
    return {usage: names[0] for usage, names in fitting.items() if names}


def _outdated(lines: list[CostLine], *, is_whole: bool) -> QuerySet[CostLine]:
    told = defaultdict[date, set[str]](set)
    for line in lines:
        told[line.day].add(line.instance_id)
    if is_whole:
        return CostLine.objects.filter(day__in=told)
    which = Q(pk__in=())
    for day, instances in told.items():
        which |= Q(day=day, instance__in=instances)
    return CostLine.objects.filter(which)


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"


def _strangers(strange: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """The dearest first."""
    dearest = sorted(strange.items(), key=lambda each: (-abs(each[1]), each[0]))
    for (project, currency), nanos in dearest[:MOST_NAMED]:
        whose = f"The project {project}" if project else "What is in no project"
        yield f"{whose} belongs to no instance: {money(as_cents(nanos), currency.lower())}."
    if len(dearest) > MOST_NAMED:
        yield f"{len(dearest) - MOST_NAMED} more projects belong to no instance."


def _foreign(currencies: set[str]) -> Iterator[str]:
    if other := sorted(currencies - {COMPARED}):
        yield f"Costs in {', '.join(other)} are kept, but compared with nothing: prices and margins are in {COMPARED}."
