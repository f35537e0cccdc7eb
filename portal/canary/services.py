"""Runs begin, go on by short looks, and end; what they leave behind is taken away until nothing is left.

Nobody waits: a look makes the few calls of one stage, writes down what came of it under its turn, and says when it
wants to be called again. A crash repeats a look. Taking away does not go by pages: they may be what is broken.
"""

from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from portal.canary.models import CanaryRun, CanaryStage, State
from portal.canary.remains import remains_take_away
from portal.canary.stages import BY_NAME, STAGES, Stage, Visit, after
from portal.core import clock, synthetic
from portal.core.audit import Actor, record
from portal.core.errors import Conflict
from portal.core.models import Mail
from portal.core.turns import Turn, claim
from provisioning.clients.browser import Browser, Refused, Unwell
from provisioning.models import Region
from provisioning.services.sending import send_on_commit

LETTER: Final = "verify-email"  # the kind of the mail with the link
GO_ON: Final = "portal.canary.tasks.go_on"
BY: Final = Actor(None, "canary")
MOST_AT_ONCE: Final = 4  # looks of one call: the short stages follow each other at once
SHORTEST_WAIT: Final = timedelta(seconds=1)
CLEANING_AGAIN: Final = timedelta(seconds=30)
OFF: Final = "The canary is switched off: no CANARY_EMAIL_DOMAIN is set."
log = structlog.get_logger(__name__)


def canary_begin(*, actor: Actor = BY, reason: str = "") -> CanaryRun:
    """A run stands, and goes on by itself.

    Raises Conflict where the canary is switched off, while a run is at work, and until nothing of the last one is left.
    """
    if not settings.CANARY_EMAIL_DOMAIN:
        raise Conflict(OFF)
    name = synthetic.new_name()
    fields = {"slug": name, "email": synthetic.address_of(name), "region": _next_region(), "asked_by": actor.user}
    try:
        with transaction.atomic():
            run = CanaryRun.objects.create(**fields)
            run.stages.create(name=STAGES[0].name)
            record("canary.begin", run, actor=actor, reason=reason)
            send_on_commit(GO_ON)
    except IntegrityError:
        raise Conflict("A run is at work, or what it made is not gone yet. Nothing new begins before that.") from None
    return run


def canary_begin_due() -> CanaryRun | None:
    """A run stands where one has not begun for CANARY_EVERY_HOURS, and nothing of the last one is left."""
    every = timedelta(hours=settings.CANARY_EVERY_HOURS)
    latest = CanaryRun.objects.order_by("-began_at").first()
    if not settings.CANARY_EMAIL_DOMAIN or not every:
        return None
    if latest and (latest.cleaned_at is None or latest.began_at + every > clock.now()):
        return None
    return canary_begin()


def canary_go_on() -> int:
    """What is due has been looked at, a few times at most; answers how many."""
    return next((looks for looks in range(MOST_AT_ONCE) if not canary_look()), MOST_AT_ONCE)


def canary_look() -> bool:
    """The run that is due has been looked at once; False where none is."""
    turn = claim(CanaryRun.objects.all())
    if turn is None:
        return False
    (_go_on if turn.row.state == State.RUNNING else _clean)(turn)
    return True


def letter_taken(*, mail: Mail, text: str, **_signal: Any) -> None:
    """Receives the core's `mail_taken`: a canary at work has the mail with its link. Nobody else's is looked at."""
    if mail.kind == LETTER and synthetic.is_synthetic(mail.recipient):
        CanaryRun.objects.filter(email=mail.recipient, state=State.RUNNING).update(letter=text)


def _go_on(turn: Turn[CanaryRun]) -> None:
    run, row = turn.row, turn.row.stages.get(state=State.RUNNING)
    stage = BY_NAME[row.name]
    with Browser(settings.PORTAL_URL, run.cookies) as browser:
        visit = Visit(run, browser, dict(run.known))
        waits_for, is_over = _look(stage, visit)
    is_over = is_over or bool(waits_for and row.began_at + stage.deadline <= clock.now())
    with transaction.atomic():
        if not turn.ours().update(known=visit.known, cookies=browser.cookies):
            return
        if is_over:
            _end_stage(row, State.FAILED, waits_for)
            _end(turn, State.FAILED, f"{stage.title}: {waits_for}")
        elif waits_for:
            CanaryStage.objects.filter(pk=row.pk).update(sentence=waits_for)
            turn.ours().update(due_at=clock.now() + _paced(stage.again))
        else:
            _end_stage(row, State.SUCCEEDED, "")
            _begin_next(turn, stage)


def _look(stage: Stage, visit: Visit) -> tuple[str, bool]:
    """What it waits for, "" when it is done; and whether waiting would not help."""
    try:
        return stage.look(visit), False
    except Refused as error:
        return str(error), True
    except Unwell as error:
        return str(error), False
    except Exception as error:  # whatever it is, it is kept, and the run ends by its deadline
        log.exception("canary.stage", run=visit.run.pk, stage=stage.name)
        return f"{type(error).__name__}: {error}", False


def _begin_next(turn: Turn[CanaryRun], stage: Stage) -> None:
    if follows := after(stage):
        turn.row.stages.create(name=follows.name)
        turn.ours().update(due_at=clock.now())
    else:
        _end(turn, State.SUCCEEDED, "")


def _end_stage(row: CanaryStage, state: State, sentence: str) -> None:
    CanaryStage.objects.filter(pk=row.pk).update(state=state, ended_at=clock.now(), sentence=sentence)


def _end(turn: Turn[CanaryRun], state: State, sentence: str) -> None:
    """What opens its account is forgotten, and what is left of it taken away."""
    now = clock.now()
    forgotten = {"known": {}, "cookies": [], "letter": ""}
    turn.ours().update(state=state, sentence=sentence, ended_at=now, due_at=now, **forgotten)
    details = {"state": str(state), "sentence": sentence}
    record("canary.end", turn.row, actor=BY, details=details)
    if state == State.FAILED:
        log.error("canary.failed", run=turn.row.pk, sentence=sentence)


def _clean(turn: Turn[CanaryRun]) -> None:
    left = remains_take_away(turn.row, BY)
    if left:
        turn.ours().update(left=left, due_at=clock.now() + _paced(CLEANING_AGAIN))
    else:
        turn.ours().update(left="", due_at=None, cleaned_at=clock.now())


def _next_region() -> str:
    """The regions come in turn, so that each is tried within a day."""
    regions = Region.values
    latest = CanaryRun.objects.order_by("-began_at").values_list("region", flat=True).first()
    return regions[(regions.index(latest) + 1) % len(regions)] if latest in regions else regions[0]


def _paced(wait: timedelta) -> timedelta:
    pace: float = settings.ENGINE_PACE
    return max(wait * pace, min(wait, SHORTEST_WAIT))
