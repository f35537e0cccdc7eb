"""Google's rate quotas, kept by all workers together, so that Google need not refuse: a bucket per API in Redis.

A bucket (GCRA) knows until when the calls that were made have used the quota up. Who finds it used up is told a time of
their own to come back, one after the other; nobody waits inside a worker. Whoever was let in finishes their turn, even
into debt that the next ones wait for: a look of five calls is never stopped at the third. Late comers do not overtake
those who were sent away, and who was sent away three times goes in at its fourth time.

Whose quota a call uses: Compute Engine counts against the project that the resource is in ("resource-based API"), so
each instance has its own. All others are counted as "client-based": against the project of the portal's service account
(cloud.google.com/docs/quotas/quota-project), one quota for all instances, unless the call itself names another project
(cloud.google.com/docs/quotas/set-quota-project). Cloud SQL's is so small that a thousand upgrades would wait for it for
the better part of an hour; so its calls name the instance's project, which is ours and has that API. Where Google's
pages leave it open this is the careful reading: who guesses too low waits a little, who guesses too high is refused.
"""

import random
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Final

from django.conf import settings

from provisioning.clients.google.calls import Call, title_of
from provisioning.clients.google.tally import tally
from provisioning.turns import NotItsTurn, current_turn

# Calls a minute. The longest name that fits counts: service.verb, then service.read or service.write, then service.
# Read in 2025-2026; each project's own figures are on the console's page "Quotas & System Limits".
QUOTAS: Final[Mapping[str, int]] = {
    # docs.cloud.google.com/resource-manager/docs/limits: 10 writes, 10 reads, 4 searches a second
    "cloudresourcemanager.write": 600,
    "cloudresourcemanager.read": 600,
    "cloudresourcemanager.search": 240,
    # cloud.google.com/service-usage/docs/quotas
    "serviceusage.read": 240,
    "serviceusage.write": 60,
    # cloud.google.com/bigquery/quotas, from memory: 100 a second for each user and method
    "bigquery": 6000,
    # cloud.google.com/billing/quotas: 300 for each project (975 for the organization)
    "cloudbilling": 300,
    # cloud.google.com/compute/api-quota: 1,500 for reads and 1,500 for changes of global resources
    "compute.read": 1500,
    "compute.write": 1500,
    # cloud.google.com/kubernetes-engine/quotas. The caller's: google-github-actions/get-gke-credentials#191
    "container": 3000,
    # cloudquery/cloudquery#1351, cloud-sql-go-connector#415: 180 for each user. Its page names none; ask for more early
    "sqladmin": 180,
    # cloud.google.com/iam/quotas
    "iam.read": 6000,
    "iam.write": 600,
    "iamcredentials": 60_000,
    # cloud.google.com/secret-manager/quotas
    "secretmanager.access": 90_000,
    "secretmanager.read": 600,
    "secretmanager.write": 600,
    # cloud.google.com/kubernetes-engine/docs/add-on/backup-for-gke/concepts/quotas-and-limits
    "gkebackup": 1200,
    # cloud.google.com/storage/quotas: one bucket's metadata about once a second; reading has no limit
    "storage.setIamPolicy": 60,
    # No figure is published: taken low. Service Networking does refuse for "Mutate requests": opstrace/opstrace#1213
    "dns": 300,
    "logging": 300,
    "monitoring": 300,
    "servicenetworking.read": 300,
    "servicenetworking.write": 60,
}
COSTS: Final[Mapping[str, int]] = {
    "cloudresourcemanager.projects.create": 10,  # the limits page: a CreateProject counts as ten writes
    "serviceusage.services.batchEnable": 5,  # the quotas page: counts as five
}
NAMES_ITS_PROJECT: Final = {"sqladmin"}
OF_THE_INSTANCE: Final = {"compute", *NAMES_ITS_PROJECT}
# Seconds' worth of a quota that may be used at once. Some are enforced by the second: the limits page, and
# cloud-sql-go-connector#415 for Cloud SQL. What flows evenly besides is less by as much: no minute sees more than one.
AT_ONCE_SECONDS: Final[Mapping[str, float]] = {"cloudresourcemanager": 1.0, "sqladmin": 1.0}
USUALLY_AT_ONCE_SECONDS = 10.0
PATIENCE = 3
PLACE_KEPT_SECONDS = 300

# Answers 0 (go) or in how many seconds to come back, as text. used: until when the quota is used up; line: the same,
# with all who were sent away, each with what a turn has used up on average of late (spent / turns); a place is when one
# of them may come (due), and how often they were sent away.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local charge, slack, begun = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local bucket = redis.call('HMGET', KEYS[1], 'used', 'line', 'spent', 'turns')
local used = math.max(tonumber(bucket[1] or 0), now)
local line = math.max(tonumber(bucket[2] or 0), used)
local spent, turns = tonumber(bucket[3] or 0), tonumber(bucket[4] or 0)
local place = redis.call('HMGET', KEYS[2], 'due', 'sent_away')
local due, sent_away = tonumber(place[1] or 0), tonumber(place[2] or 0)
if not begun and now < due then
    return string.format('%.6f', due - now)
end
local is_free = used - now <= slack
if sent_away == 0 then is_free = line - now <= slack end
local go = begun or is_free or sent_away >= tonumber(ARGV[4])
if go then
    used = used + charge
    line = math.max(line, used)
    spent = spent + charge
    if not begun then turns = turns + 1 end
    if turns > 50 then spent, turns = spent / 2, turns / 2 end
    redis.call('DEL', KEYS[2])
else
    due = line - slack
    line = line + math.max(charge, turns > 0 and spent / turns or 0)
    redis.call('HSET', KEYS[2], 'due', string.format('%.6f', due), 'sent_away', sent_away + 1)
    redis.call('EXPIRE', KEYS[2], math.ceil(due - now) + tonumber(ARGV[5]))
end
redis.call('HSET', KEYS[1], 'used', string.format('%.6f', used), 'line', string.format('%.6f', line),
    'spent', spent, 'turns', turns)
redis.call('EXPIRE', KEYS[1], math.ceil(line - now) + 1)
if go then return '0' end
return string.format('%.6f', due - now)
"""


def take(call: Call) -> None:
    """The call may be made. Raises NotItsTurn when the quota is used up; without a Redis that answers, all may."""
    name, per_minute = _quota(call)
    if not per_minute:
        return
    turn = current_turn()
    bucket = f"google-quota:{name}:{call.subject}" if call.service in OF_THE_INSTANCE else f"google-quota:{name}"
    place = f"{bucket}:place:{turn.who if turn else call.subject}"
    has_begun = turn is not None and bucket in turn.begun
    pace = _pace(call, per_minute)
    wait = float(tally().run(TAKE, [bucket, place], [*pace, int(has_begun), PATIENCE, PLACE_KEPT_SECONDS]) or 0)
    if wait:
        raise NotItsTurn(f"its turn: the quota of the {title_of(call.service)}", _with_jitter(wait))
    if turn:
        turn.begun.add(bucket)


def headers_of(call: Call) -> dict[str, str]:
    """What the call must say so that the quota that was taken is the one that it uses."""
    return {"x-goog-user-project": call.subject} if call.service in NAMES_ITS_PROJECT and call.subject else {}


def _quota(call: Call) -> tuple[str, int]:
    quotas = _in_force(tuple(settings.GOOGLE_QUOTAS.items()), not settings.GOOGLE_API_ENDPOINT)
    names = (f"{call.service}.{call.verb}", f"{call.service}.{'read' if call.is_read else 'write'}", call.service)
    name = next((name for name in names if name in quotas), call.service)
    return name, quotas.get(name, 0)


@cache
def _in_force(stated: tuple[tuple[str, int], ...], is_google: bool) -> Mapping[str, int]:  # noqa: FBT001 - a key's half
    """The defaults are Google's own: another endpoint has none. A whole API's figure stands for all of its kinds."""
    whole = {name for name, _ in stated}
    defaults = QUOTAS if is_google and "all" not in whole else {}
    kept = {name: figure for name, figure in defaults.items() if name.partition(".")[0] not in whole}
    return {**kept, **dict(stated)}


def _pace(call: Call, per_minute: int) -> tuple[float, float]:
    """How many seconds of the quota the call uses up, and how many may be used ahead."""
    at_once = AT_ONCE_SECONDS.get(call.service, USUALLY_AT_ONCE_SECONDS)
    stretch = 60 / (60 - at_once)
    return COSTS.get(call.method, 1) * 60 / per_minute * stretch, at_once * stretch


def _with_jitter(seconds: float) -> timedelta:
    """The engine multiplies every wait by ENGINE_PACE, and a quota is by the minute of real time."""
    return timedelta(seconds=seconds * random.uniform(1.0, 1.1) / settings.ENGINE_PACE)  # noqa: S311 - no cryptography
