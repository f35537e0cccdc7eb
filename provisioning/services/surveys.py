"""What the outside looks like is asked for, and looked at a few nodes at a time. Nothing here changes it.

A survey is claimed like a step: under a lease and a fencing token, by one short statement. What a killed worker was
looking at is looked at again when its lease runs out.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.engine import graph
from provisioning.engine.survey import Finding, Round, Verdict
from provisioning.models import BUILT, Instance, InstanceStatus, OperationKind, Survey
from provisioning.models.operations import LIVE
from provisioning.services.leaks import missing_recorded
from provisioning.services.sending import send, send_on_commit
from provisioning.spec import InstanceSpec, spec_of

LOOK = "provisioning.tasks.look"
PASS_SECONDS = 2.0
WAKES_PER_BEAT = 4
WHILE_IT_CHANGES = timedelta(minutes=10)
PLANS_ARE_KEPT = timedelta(days=1)
DRIFT, PLAN = Survey.Purpose.DRIFT, Survey.Purpose.PLAN
RUNNING, DONE = Survey.Status.RUNNING, Survey.Status.DONE
log = structlog.get_logger(__name__)

# What people wait for goes first.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM provisioning_survey WHERE due_at <= %(now)s
    ORDER BY purpose DESC, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE provisioning_survey AS survey SET lease_token = survey.lease_token + 1, due_at = %(until)s
FROM due WHERE survey.id = due.id
RETURNING survey.*
"""

# Each instance's check has its own second of the day, by its id; what waits for it already is left alone.
SPREAD = """
INSERT INTO provisioning_survey (
    id, instance_id, purpose, kind, status, wanted, previous, findings, outputs, differing, unclear, lease_token,
    created_at, started_at, due_at
)
SELECT
    'srv-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 20), instance.id, 'drift', %(kind)s, 'running',
    '{}', '{}', '[]', '{}', 0, 0, 0, %(now)s, %(now)s,
    %(now)s + make_interval(secs => 1 + mod(
        86399 + ('x' || substr(md5(instance.id), 1, 7))::bit(28)::int %% 86400
        - extract(epoch FROM %(now)s)::bigint %% 86400, 86400
    ))
FROM provisioning_instance AS instance WHERE instance.status = ANY (%(built)s)
ON CONFLICT (instance_id) WHERE purpose = 'drift'
DO UPDATE SET status = 'running', due_at = EXCLUDED.due_at, requested_by_id = NULL
WHERE provisioning_survey.due_at IS NULL
"""


@dataclass(frozen=True)
class Claim:
    """The right to go on with a survey."""

    survey: Survey
    token: int


def plan_request(*, instance: Instance, kind: str, actor: Actor, wanted: InstanceSpec | None = None) -> Survey:
    """What an operation of this kind would do is being looked at. Asked twice while it is, it is the same survey.

    `wanted` is the spec the instance would have; without one it keeps what it has. Raises Invalid for an unknown
    kind, Conflict for a deleted instance.
    """
    _check(instance, kind)
    now_is = spec_of(instance)
    asked = {
        "instance": instance,
        "purpose": PLAN,
        "kind": kind,
        "status": RUNNING,
        "wanted": (wanted or now_is).as_json(),
        "previous": now_is.as_json(),
    }
    survey = Survey.objects.filter(**asked).first() or Survey.objects.create(**asked, requested_by=actor.user)
    send_on_commit(LOOK)
    return survey


def drift_check_request(*, instance: Instance, actor: Actor | None = None) -> Survey:
    """The instance's one drift survey is due now; one that is under way goes on. Raises Conflict unless it stands.

    Of a suspended instance drift is what is not as its suspension has left it.
    """
    if instance.status not in BUILT:
        raise Conflict(f"This instance is {instance.status}; drift is looked for in what stands.")
    with transaction.atomic():
        survey, is_new = Survey.objects.select_for_update().get_or_create(
            instance=instance, purpose=DRIFT, defaults={"kind": OperationKind.REPAIR, "wanted": {}, "previous": {}}
        )
        survey.requested_by = actor.user if actor else None
        if not is_new and is_to_begin(survey):
            survey.status, survey.due_at = RUNNING, clock.now()
        survey.save(update_fields=["requested_by", "status", "due_at"])
        send_on_commit(LOOK)
    return survey


def drift_checks_spread() -> None:
    """Each instance that stands has its drift check within the next 24 hours, at its own time of day. One statement."""
    with connection.cursor() as cursor:
        built = [status.value for status in BUILT]
        cursor.execute(SPREAD, {"kind": OperationKind.REPAIR.value, "now": clock.now(), "built": built})


def surveys_forget() -> int:
    """Yesterday's plans are gone, since what they say is no longer so; so is the drift of what has been deleted."""
    old_plan = Q(purpose=PLAN, created_at__lt=clock.now() - PLANS_ARE_KEPT)
    return Survey.objects.filter(old_plan | Q(instance__status=InstanceStatus.DELETED)).delete()[0]


def surveys_wake() -> int:
    """Workers are woken for surveys that are due: one indexed query, however many there are that are not."""
    due = Survey.objects.filter(due_at__lte=clock.now()).values_list("pk", flat=True)[:WAKES_PER_BEAT]
    for _ in due:
        send(LOOK)
    return len(due)


def surveys_go_on(for_seconds: float = PASS_SECONDS) -> int:
    """Due surveys have gone on for so long; answers how many claims that took. A broken one does not stop the others.

    What a person waits for is called for again at once, the rest by the next beat: a backlog never takes all workers.
    """
    until = time.monotonic() + for_seconds
    count, somebody_waits = 0, False
    while time.monotonic() < until and (claim := claim_due()):
        count += 1
        try:
            go_on(claim, until - time.monotonic())
        except Exception:
            log.exception("this survey could not go on; it is tried again at its lease's end", survey=claim.survey.pk)
            continue
        somebody_waits = somebody_waits or claim.survey.requested_by_id is not None
    if somebody_waits and Survey.objects.filter(due_at__lte=clock.now()).exists():
        send(LOOK)
    return count


def claim_due() -> Claim | None:
    """The most urgent due survey is ours for a lease, or None when none is due."""
    now = clock.now()
    until = now + timedelta(seconds=settings.ENGINE_LEASE_SECONDS)
    for survey in Survey.objects.raw(CLAIM, {"now": now, "until": until}):
        return Claim(survey, survey.lease_token)
    return None


def go_on(claim: Claim, for_seconds: float) -> bool:
    """The next looks are taken and written; answers whether they counted: they do not once the lease is lost."""
    survey = claim.survey
    if survey.purpose == DRIFT:
        if survey.instance.status not in BUILT:
            return bool(_claimed(claim).delete()[0])
        if _is_changing(survey):
            return _put_off(claim)
        if is_to_begin(survey):
            _begin(survey)
    looks = round_of(survey)
    again = looks.go_on(for_seconds)
    return _write(claim, looks, again)


def look_through(survey: Survey) -> Iterator[float]:
    """The survey is looked through here and now, and not stored. Yields, between looks, how many seconds to pause."""
    looks = round_of(survey)
    while (again := looks.go_on(PASS_SECONDS)) is not None:
        _take(survey, looks)
        yield again.total_seconds() * float(settings.ENGINE_PACE)
    _take(survey, looks)
    survey.status, survey.due_at, survey.finished_at = DONE, None, clock.now()


def plan_unsaved(*, instance: Instance, kind: str, wanted: InstanceSpec | None = None) -> Survey:
    """A survey to be looked through here and now. Raises as `plan_request` does."""
    _check(instance, kind)
    now_is = spec_of(instance)
    return Survey(
        instance=instance, purpose=PLAN, kind=kind, wanted=(wanted or now_is).as_json(), previous=now_is.as_json()
    )


def is_to_begin(survey: Survey) -> bool:
    """Whether its findings, if any, are those of an earlier round."""
    return survey.finished_at is not None or not survey.wanted


def round_of(survey: Survey) -> Round:
    """Its looks so far, ready to go on."""
    findings = [Finding.from_json(document) for document in survey.findings]
    return Round(
        id=survey.pk,
        nodes=graph.workflow_of(survey.kind).for_tenancy(survey.instance.tenancy),
        wanted=InstanceSpec.from_json(survey.wanted),
        previous=InstanceSpec.from_json(survey.previous),
        findings={finding.step: finding for finding in findings},
        outputs=dict(survey.outputs),
    )


def _check(instance: Instance, kind: str) -> None:
    if kind not in {workflow.kind for workflow in graph.workflows()}:
        raise Invalid(f"“{kind}” is no kind of operation.", field="kind")
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted already.")


def _begin(survey: Survey) -> None:
    """Its new round starts from the instance as it is now."""
    now_is = spec_of(survey.instance).as_json()
    survey.wanted, survey.previous, survey.kind = now_is, now_is, OperationKind.REPAIR
    survey.findings, survey.outputs = [], {}
    survey.started_at, survey.finished_at = clock.now(), None


def _is_changing(survey: Survey) -> bool:
    """Whether an operation is on the instance, or was since the round began: what was seen meanwhile says nothing."""
    changing = Q(status__in=LIVE)
    if not is_to_begin(survey):
        changing |= Q(finished_at__gte=survey.started_at)
    return survey.instance.operations.filter(changing).exists()


def _put_off(claim: Claim) -> bool:
    """The round begins anew later; what the one before it found stays."""
    due_at = clock.now() + WHILE_IT_CHANGES * float(settings.ENGINE_PACE)
    finished_at = claim.survey.finished_at or claim.survey.started_at
    return bool(_claimed(claim).update(due_at=due_at, finished_at=finished_at))


def _write(claim: Claim, looks: Round, again: timedelta | None) -> bool:
    survey = claim.survey
    with transaction.atomic():
        if survey.purpose == DRIFT and _is_changing(survey):
            return _put_off(claim)
        _take(survey, looks)
        values = {
            name: getattr(survey, name)
            for name in ("wanted", "previous", "kind", "findings", "outputs", "started_at", "finished_at")
        }
        if again is None:
            now = clock.now()
            values |= {"status": DONE, "due_at": None, "finished_at": now, **_counts(looks)}
        else:
            values |= {"due_at": clock.now() + again * float(settings.ENGINE_PACE)}
        is_ours = bool(_claimed(claim).update(**values))
        if is_ours and again is None and survey.purpose == DRIFT:
            missing_recorded(instance_id=survey.instance_id, findings=list(looks.findings.values()))
    return is_ours


def _claimed(claim: Claim) -> QuerySet[Survey]:
    return Survey.objects.filter(pk=claim.survey.pk, lease_token=claim.token)


def _take(survey: Survey, looks: Round) -> None:
    survey.findings = [finding.as_json() for finding in looks.findings.values()]
    survey.outputs = {name: dict(outputs) for name, outputs in looks.outputs.items()}


def _counts(looks: Round) -> dict[str, int]:
    """What a finished round found; until then the counts of the one before stand."""
    verdicts = [finding.verdict for finding in looks.findings.values()]
    differing = sum(verdict in {Verdict.MISSING, Verdict.DIFFERS} for verdict in verdicts)
    return {"differing": differing, "unclear": verdicts.count(Verdict.UNCLEAR)}
