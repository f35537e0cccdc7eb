"""Which states may follow which, as in docs/states.md, and a log, kept by the database, of those that did.

The log sees each change within a transaction, however the engine writes it.
"""

from dataclasses import dataclass

from django.db import connection

from provisioning.models import Instance, Operation, Step

ENDED = frozenset({"succeeded", "undone", "cancelled"})  # left by nothing
HALTED = frozenset({"failed", "stuck"})  # left by a person
ACTIVE = frozenset({"running", "undoing"})
LIVE = ACTIVE | {"queued"}


def _table(text: str) -> frozenset[tuple[str, str]]:
    """One line for each state: it, an arrow, and the states it may be left for."""
    lines = [line.split("→") for line in text.strip().splitlines()]
    return frozenset((before.strip(), after) for before, afters in lines for after in afters.split())


LEGAL = {
    "instance": _table(
        """
        pending → running deleted
        running → deleted
        """
    ),
    "operation": _table(
        """
        queued  → running cancelled
        running → succeeded failed cancelled undoing
        undoing → undone stuck
        failed  → running undoing
        stuck   → undoing
        """
    ),
    "step": _table(
        """
        forward/pending → forward/running back/pending back/skipped
        forward/running → forward/done forward/waiting forward/failed forward/skipped forward/pending back/pending
        forward/waiting → forward/running forward/pending back/pending
        forward/done    → back/pending
        forward/failed  → forward/pending forward/skipped back/pending
        forward/skipped → back/skipped
        back/pending    → back/running
        back/running    → back/undone back/waiting back/failed back/pending
        back/waiting    → back/running back/pending
        back/failed     → back/pending back/skipped
        """
    ),
}
STATE = {"instance": "{row}.status", "operation": "{row}.status", "step": "{row}.direction || '/' || {row}.status"}
TABLES = {"instance": Instance, "operation": Operation, "step": Step}


@dataclass(frozen=True)
class Transition:
    number: int
    what: str
    id: str
    before: str
    after: str

    @property
    def is_legal(self) -> bool:
        return (self.before, self.after) in LEGAL[self.what]


def keep_log() -> None:
    """From now on, until this transaction is rolled back, transitions are written down."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE transition"
            " (number bigserial PRIMARY KEY, what text, id text, before text, after text)"
        )
        for what, model in TABLES.items():
            cursor.execute(_trigger(what, model._meta.db_table))


def _trigger(what: str, table: str) -> str:
    old, new = STATE[what].format(row="OLD"), STATE[what].format(row="NEW")
    return f"""
        CREATE FUNCTION pg_temp.log_{what}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO pg_temp.transition (what, id, before, after) VALUES ('{what}', NEW.id, {old}, {new});
            RETURN NULL;
        END $$;
        CREATE TRIGGER log_{what} AFTER UPDATE ON {table} FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new}))
            EXECUTE FUNCTION pg_temp.log_{what}();
    """  # noqa: S608 - put together from the constants above


def logged(after: int) -> list[Transition]:
    """What happened since the transition of that number, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, what, id, before, after FROM transition WHERE number > %s ORDER BY 1", [after])
        return [Transition(*row) for row in cursor.fetchall()]
