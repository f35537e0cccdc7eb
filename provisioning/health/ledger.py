"""What the prober reads and writes: whom to look at, how often each was looked at, and when it did not answer.

However many instances there are, a round is the same few statements. Each is a transaction of its own: none holds a
row while it waits for another, so that the engine never meets a lock of the prober's for longer than one of them takes.
Which operation a look belongs to is decided by the times in the database, and the downtime of an operation is the sum
of the outages that began in it: what is written twice, or late, or by another prober counts once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.db.models import FilteredRelation, Q

from portal.core import clock
from provisioning.health.looks import Look, Run, Target, runs_of
from provisioning.models import Instance, InstanceStatus, OperationKind
from provisioning.models.operations import ACTIVE

log = structlog.get_logger(__name__)
LOCK = 7_062_571  # of the one prober that works; any number that nothing else in this database locks
AWAY = (OperationalError, InterfaceError)  # the database does not answer, or asks to try again
MOST_UNWRITTEN = 200_000  # looks that wait for the database; beyond that the oldest are let go
LONGEST_SENTENCE = 400
# While these are under way nobody is to answer, or to be missed: whoever is so meanwhile is not looked at.
UNMISSED = [OperationKind.TEARDOWN.value, OperationKind.SUSPEND.value, OperationKind.RESUME.value]
# These change no running instance.
UNCHANGING = [OperationKind.PROVISION.value, OperationKind.REHEARSE.value, *UNMISSED]
# A lost network is noticed within seconds by both sides; else a dead prober's lock would be held for hours.
CONNECTION = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "options": "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}

LOOKS = "unnest(%(ids)s::text[], %(ats)s::timestamptz[], %(failed)s::boolean[]) AS look (instance_id, at, failed)"
MEANWHILE = """operation.kind <> ALL (%(unchanging)s)
    AND operation.started_at <= {at} AND (operation.finished_at IS NULL OR operation.finished_at >= {at})"""
TALLY = f"""
WITH looked AS (
    SELECT look.instance_id, date_trunc('minute', look.at, 'UTC') AS minute,
        count(*) AS probes, count(*) FILTER (WHERE look.failed) AS failed
    FROM {LOOKS} JOIN provisioning_instance AS instance ON instance.id = look.instance_id
    GROUP BY 1, 2
), minutes AS (
    INSERT INTO provisioning_probeminute AS tally (instance_id, minute, probes, failed)
    SELECT instance_id, minute, probes, failed FROM looked ORDER BY 1, 2
    ON CONFLICT (instance_id, minute) DO UPDATE
    SET probes = tally.probes + excluded.probes, failed = tally.failed + excluded.failed
    RETURNING tally.instance_id, tally.minute, tally.xmax = 0 AS is_new
)
INSERT INTO provisioning_probetally AS tally (instance_id, hour, probes, failed, minutes)
SELECT instance_id, date_trunc('hour', minute, 'UTC'), sum(probes), sum(failed), count(*) FILTER (WHERE is_new)
FROM looked JOIN minutes USING (instance_id, minute) GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (instance_id, hour) DO UPDATE
SET probes = tally.probes + excluded.probes, failed = tally.failed + excluded.failed,
    minutes = tally.minutes + excluded.minutes
"""  # noqa: S608 - made of the constants above
COUNT = f"""
UPDATE provisioning_operation AS counted
SET probes = counted.probes + seen.probes, failed_probes = counted.failed_probes + seen.failed
FROM (
    SELECT operation.id, count(*) AS probes, count(*) FILTER (WHERE look.failed) AS failed
    FROM {LOOKS} JOIN provisioning_operation AS operation ON operation.instance_id = look.instance_id
    WHERE {MEANWHILE.format(at="look.at")}
    GROUP BY 1
) AS seen
WHERE counted.id = seen.id
"""  # noqa: S608 - see above
RUNS = """unnest(%(ids)s::text[], %(began)s::timestamptz[], %(ended)s::timestamptz[], %(failed)s::integer[],
    %(what)s::text[]) AS run (instance_id, began_at, ended_at, failed, what)"""
GO_ON = f"""
UPDATE provisioning_outage AS outage
SET failed = outage.failed + run.failed,
    ended_at = CASE WHEN run.ended_at IS NOT NULL THEN greatest(run.ended_at, outage.began_at) END
FROM {RUNS}
WHERE outage.instance_id = run.instance_id AND outage.ended_at IS NULL
RETURNING outage.operation_id
"""  # noqa: S608 - see above
BEGIN = f"""
INSERT INTO provisioning_outage AS outage (instance_id, operation_id, began_at, ended_at, failed, what)
SELECT run.instance_id, (
        SELECT operation.id FROM provisioning_operation AS operation
        WHERE operation.instance_id = run.instance_id AND {MEANWHILE.format(at="run.began_at")}
        ORDER BY operation.started_at DESC LIMIT 1
    ), run.began_at, run.ended_at, run.failed, run.what
FROM {RUNS} JOIN provisioning_instance AS instance ON instance.id = run.instance_id
WHERE NOT EXISTS (
    SELECT FROM provisioning_outage AS same
    WHERE same.instance_id = run.instance_id AND same.began_at = run.began_at
) AND NOT EXISTS (
    SELECT FROM provisioning_operation AS operation
    WHERE operation.instance_id = run.instance_id AND operation.kind = ANY (%(unmissed)s)
        AND operation.started_at <= run.began_at
        AND (operation.finished_at IS NULL OR operation.finished_at >= run.began_at)
)
ON CONFLICT (instance_id) WHERE ended_at IS NULL DO UPDATE SET failed = outage.failed + excluded.failed
RETURNING operation_id
"""  # noqa: S608 - see above
END = """
UPDATE provisioning_outage SET ended_at = greatest(%s, began_at)
WHERE ended_at IS NULL AND instance_id <> ALL (%s)
"""
SUM = """
UPDATE provisioning_operation AS operation SET downtime_seconds = seen.seconds
FROM (
    SELECT operation_id, sum(extract(epoch FROM coalesce(ended_at, greatest(%s, began_at)) - began_at)) AS seconds
    FROM provisioning_outage WHERE operation_id = ANY (%s) GROUP BY 1
) AS seen
WHERE operation.id = seen.operation_id
"""
SILENT = """
SELECT extract(epoch FROM clock_timestamp() - activity.state_change)
FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND (held.classid, held.objid, held.objsubid) = (0, %s, 1)
    AND activity.datname = current_database() AND activity.state_change IS NOT NULL
"""


def notice_lost_networks() -> None:
    """Connections that this process opens from now on end within seconds when the way to the database is lost."""
    connection.settings_dict["OPTIONS"] = {**CONNECTION, **connection.settings_dict["OPTIONS"]}


class Ledger:
    """The prober's side of the database. All of it is called by one thread, whose connection holds the turn."""

    def __init__(self) -> None:
        self._has_turn = False
        self._watched: set[str] = set()
        self._down: set[str] = set()
        self._to_tally: deque[Look] = deque(maxlen=MOST_UNWRITTEN)
        self._to_count: deque[Look] = deque(maxlen=MOST_UNWRITTEN)
        self._to_run: deque[Look] = deque(maxlen=MOST_UNWRITTEN)
        self._to_sum: set[str] = set()

    def take_turn(self) -> bool:
        """Whether this prober is the one that works. It stays so as long as its connection lives."""
        if not self._has_turn:
            self._has_turn = bool(_execute("SELECT pg_try_advisory_lock(%s)", [LOCK])[0][0])
            self._watched = set()
        return self._has_turn

    def give_up(self) -> None:
        """The connection is closed, and with it the turn is another's; what is not written yet is kept."""
        self._has_turn = False
        connection.close()

    def targets(self) -> list[Target]:
        """Whom to look at. Outages of whoever is not among them any more have ended."""
        found = list(_targets())
        watched = {target.instance_id for target in found}
        if watched != self._watched:
            _execute(END, [clock.now(), list(watched)])
            self._watched = watched
        self._down = {target.instance_id for target in found if target.is_down}
        return found

    def note(self, looks: Sequence[Look]) -> None:
        """They will be written."""
        for queue in (self._to_tally, self._to_count, self._to_run):
            queue.extend(looks)

    def write(self) -> None:
        """All that was noted is written; if the database is away, it is as soon as that is back."""
        _emptied(self._to_tally, lambda looks: _execute(TALLY, _looks(looks)))
        _emptied(self._to_count, lambda looks: _execute(COUNT, {**_looks(looks), "unchanging": UNCHANGING}))
        _emptied(self._to_run, self._write_runs)
        if self._to_sum:
            _execute(SUM, [clock.now(), list(self._to_sum)])
            self._to_sum.clear()

    def write_anew(self) -> None:
        """The same, over another connection if this one is broken: there is no later time."""
        try:
            self.write()
        except AWAY:
            self.give_up()
            self.write()

    def _write_runs(self, looks: Sequence[Look]) -> None:
        runs = runs_of(looks, self._down)
        old, new = [run for run in runs if not run.began_at], [run for run in runs if run.began_at]
        operations = _execute(GO_ON, _runs(old)) if old else []
        operations += _execute(BEGIN, {**_runs(new), "unchanging": UNCHANGING, "unmissed": UNMISSED}) if new else []
        self._down -= {run.instance_id for run in runs if run.ended_at}
        self._down |= {run.instance_id for run in runs if not run.ended_at}
        self._to_sum |= {operation for (operation,) in operations if operation}


def seconds_silent() -> float | None:
    """How long ago the prober that works last asked the database anything; None where none works. One query."""
    found = _execute(SILENT, [LOCK])
    return float(found[0][0]) if found else None


def _emptied(queue: deque[Look], write: Callable[[Sequence[Look]], object]) -> None:
    """All in the queue is written. What the database refuses for good is let go: it must not stop what comes after."""
    if not queue:
        return
    try:
        write(list(queue))
    except AWAY:
        raise
    except Exception:
        log.exception("looks that could not be written are let go", looks=len(queue))
    queue.clear()


def _targets() -> Iterable[Target]:
    running = Instance.objects.filter(status=InstanceStatus.RUNNING).annotate(
        change=FilteredRelation("operations", condition=Q(operations__status__in=ACTIVE)),
        outage=FilteredRelation("outages", condition=Q(outages__ended_at__isnull=True)),
    )
    rows = running.order_by().values_list("pk", "domain", "change__kind", "outage__pk")
    for instance_id, domain, kind, outage in rows:
        if kind not in UNMISSED:
            is_under_change = bool(kind) and kind not in UNCHANGING
            yield Target(instance_id, domain, is_under_change=is_under_change, is_down=outage is not None)


def _looks(looks: Sequence[Look]) -> dict[str, Any]:
    return {
        "ids": [look.instance_id for look in looks],
        "ats": [look.began_at for look in looks],
        "failed": [bool(look.failure) for look in looks],
    }


def _runs(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "ids": [run.instance_id for run in runs],
        "began": [run.began_at for run in runs],
        "ended": [run.ended_at for run in runs],
        "failed": [run.failed for run in runs],
        "what": [_sentence(run.what) for run in runs],
    }


def _sentence(what: str) -> str:
    """As the database can hold it: errors may quote bytes of the outside."""
    return what[:LONGEST_SENTENCE].encode(errors="replace").decode().replace("\0", "")


def _execute(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []
