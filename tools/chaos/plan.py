"""The plan of faults: a function of the seed alone."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    ANSWERS = "answers"  # the cloud answers a few calls of one service badly, late or not at all
    WORKER = "worker"  # SIGKILL to a worker and its pool process
    POOL = "pool"  # SIGKILL to the pool process alone
    WORKERS = "workers"  # SIGKILL to all workers
    BEAT = "beat"  # SIGKILL to the scheduler
    HELM = "helm"  # SIGKILL to the next helm that runs
    FLUSH = "flush"  # Redis forgets everything
    REDIS = "redis"  # Redis is stopped for a while
    POSTGRES = "postgres"  # PostgreSQL is stopped at once (SIGQUIT) and recovers after a while
    PAUSE = "pause"  # a worker is stopped past its lease (SIGSTOP) and goes on
    BEATS = "beats"  # two schedulers at once
    DEPLOY = "deploy"  # a worker is asked to stop (SIGTERM), and a new one takes its place


WEIGHTS = {
    Kind.ANSWERS: 40,
    Kind.WORKER: 14,
    Kind.POOL: 6,
    Kind.WORKERS: 4,
    Kind.BEAT: 6,
    Kind.HELM: 8,
    Kind.FLUSH: 5,
    Kind.REDIS: 4,
    Kind.POSTGRES: 5,
    Kind.PAUSE: 6,
    Kind.BEATS: 2,
    Kind.DEPLOY: 6,
}
OUTAGE_SECONDS = (0.5, 4.0)
PAST_THE_LEASE_SECONDS = (1.0, 5.0)

# Late, yet before the client gives up: many such calls in a row outlast the lease.
SLOWNESS: Mapping[str, Any] = {"effect": "timeout", "seconds": 3}
SLOW_CALLS = 12

# None of these is an answer that an operation may rightly fail of.
ANSWERS: tuple[Mapping[str, Any], ...] = (
    {"effect": "status", "status": 429, "reason": "rateLimitExceeded"},
    {"effect": "status", "status": 403, "reason": "rateLimitExceeded"},
    {"effect": "status", "status": 500, "reason": "internalError"},
    {"effect": "status", "status": 503, "reason": "backendError"},
    {"effect": "timeout", "seconds": 30},
    SLOWNESS,
    {"effect": "reset"},
    {"effect": "act_then_drop"},
)
SERVICES = {  # by how much of the work goes through them
    "cloudbilling": 1,
    "cloudresourcemanager": 1,
    "compute": 2,
    "container": 3,
    "dns": 1,
    "gkebackup": 1,
    "iam": 1,
    "iamcredentials": 1,
    "kubernetes": 6,
    "monitoring": 1,
    "secretmanager": 1,
    "servicenetworking": 1,
    "serviceusage": 1,
    "sqladmin": 3,
}
METHODS = ("*", "*", "*.get*", "*.list", "*.delete")
MAKING = {"compute": "*.insert", "sqladmin": "*.insert", "serviceusage": "*.batchEnable"}  # the others say create
KUBERNETES_METHODS = ("*", "* GET *", "* POST *", "* PATCH *", "* DELETE *")


@dataclass(frozen=True)
class Fault:
    """`at` is seconds from the start; `victim`, from 0 to 1, says which of those that run then; `seconds` how long it
    lasts, for a pause beyond the lease; `rule` is devcloud's, for answers.
    """

    number: int
    at: float
    kind: Kind
    victim: float
    seconds: float
    rule: Mapping[str, Any] = field(default_factory=dict)


def plan(seed: int, count: int, spacing: float) -> list[Fault]:
    """Faults in order, `spacing` seconds apart on average; each kind once before any comes a second time by weight."""
    dice = random.Random(seed)  # noqa: S311 - it is to be repeatable
    kinds = dice.sample(list(Kind), len(Kind))
    kinds += dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=max(0, count - len(kinds)))
    faults: list[Fault] = []
    at = 0.0
    for number, kind in enumerate(kinds[:count], start=1):
        at += spacing * dice.uniform(0.4, 1.6)
        span = PAST_THE_LEASE_SECONDS if kind is Kind.PAUSE else OUTAGE_SECONDS
        rule = _rule(dice) if kind is Kind.ANSWERS else {}
        faults.append(Fault(number, round(at, 3), kind, dice.random(), round(dice.uniform(*span), 3), rule))
    return faults


def _rule(dice: random.Random) -> dict[str, Any]:
    service = dice.choices(list(SERVICES), list(SERVICES.values()))[0]
    answer = dice.choice(ANSWERS)
    while service == "kubernetes" and answer.get("status") == 403:  # a lack of rights there, never a rate
        answer = dice.choice(ANSWERS)
    methods = KUBERNETES_METHODS if service == "kubernetes" else (*METHODS, MAKING.get(service, "*.create"))
    where = {"service": service, "method": dice.choice(methods)}
    count = SLOW_CALLS if answer is SLOWNESS else dice.randint(1, 3)
    return {**where, "from": dice.randint(1, 3), "count": count, **answer}
