"""Whether a service of Google fails for everyone: then nothing new starts that would need it, and what runs goes on.

Outcomes are counted per service in short slices of time. A service is open (as a circuit breaker is) when in the last
minute enough calls failed, of enough different instances, and at least half of all. It closes by itself a little after
that has ceased to be so, because calls succeed again or because there are none. Nobody has to reset it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import redis
from django.conf import settings

from provisioning.clients.google.calls import Call, title_of
from provisioning.clients.google.tally import tally

SLICES = 6
OPEN = "google-breaker:open"

# Counts one call; where it failed, looks whether the service fails for everyone, and notes: since when, until when.
COUNT = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local service, slice, slices, failed = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local number = math.floor(now / slice)
local key = KEYS[1] .. ':' .. number
local kept = math.ceil(slice * (slices + 1) * 1000)
redis.call('HINCRBY', key, failed and 'failed' or 'went', 1)
redis.call('PEXPIRE', key, kept)
if not failed then return end
redis.call('PFADD', key .. ':who', ARGV[5])
redis.call('PEXPIRE', key .. ':who', kept)
local all_failed, all_went, who = 0, 0, {}
for back = 0, slices - 1 do
    local past = KEYS[1] .. ':' .. (number - back)
    local counts = redis.call('HMGET', past, 'failed', 'went')
    all_failed = all_failed + tonumber(counts[1] or 0)
    all_went = all_went + tonumber(counts[2] or 0)
    who[back + 1] = past .. ':who'
end
if all_failed < tonumber(ARGV[6]) or all_failed < all_went then return end
if redis.call('PFCOUNT', unpack(who)) < tonumber(ARGV[7]) then return end
local since, til = string.match(redis.call('HGET', KEYS[2], service) or '', '(%S+) (%S+)')
if not til or tonumber(til) < now then since = string.format('%.6f', now) end
redis.call('HSET', KEYS[2], service, since .. ' ' .. string.format('%.6f', now + tonumber(ARGV[8])))
"""


def count(call: Call, *, failed: bool) -> None:
    """The outcome is counted, in one round trip; without a Redis that answers it is not."""
    if not settings.GOOGLE_BREAKER_FAILURES:
        return
    slice_seconds = settings.GOOGLE_BREAKER_WINDOW_SECONDS * settings.ENGINE_PACE / SLICES
    hold_seconds = settings.GOOGLE_BREAKER_HOLD_SECONDS * settings.ENGINE_PACE
    limits = (settings.GOOGLE_BREAKER_FAILURES, settings.GOOGLE_BREAKER_INSTANCES, hold_seconds)
    arguments = [call.service, slice_seconds, SLICES, int(failed), call.subject, *limits]
    tally().run(COUNT, [f"google-breaker:{call.service}", OPEN], arguments)


def open_services() -> dict[str, datetime]:
    """The services that fail for everyone, each with since when; in one round trip. None without a Redis."""
    answer = tally().attempt(_noted)
    if answer is None:
        return {}
    (seconds, microseconds), noted = answer
    now = seconds + microseconds / 1e6
    spans = {service: [float(moment) for moment in span.split()] for service, span in noted.items()}
    return {service: datetime.fromtimestamp(since, UTC) for service, (since, til) in spans.items() if til > now}


def recent_calls() -> dict[tuple[str, ...], float]:
    """How many calls went and failed in the last minute, by service and outcome; nothing without a Redis."""
    slice_seconds = settings.GOOGLE_BREAKER_WINDOW_SECONDS * settings.ENGINE_PACE / SLICES
    found = tally().attempt(lambda client: _recent(client, slice_seconds))
    return found or {}


def _recent(client: redis.Redis, slice_seconds: float) -> dict[tuple[str, ...], float]:
    seconds, microseconds = client.time()
    newest = int((seconds + microseconds / 1e6) // slice_seconds)
    counted: dict[tuple[str, ...], float] = {}
    keys = [key for key in client.scan_iter("google-breaker:*") if not key.endswith(":who") and key != OPEN]
    fresh = [key for key in keys if int(key.rpartition(":")[2]) > newest - SLICES]
    for key in fresh:
        service = key.split(":")[1]
        for outcome, count in cast("dict[str, str]", client.hgetall(key)).items():
            counted[service, outcome] = counted.get((service, outcome), 0) + int(count)
    return counted


def obstacle() -> str:
    """What an operation that is to start would wait for: "" or such as "the Compute Engine API, which fails …"."""
    services = sorted(title_of(service) for service in open_services())
    if not services:
        return ""
    fail = "which fails" if len(services) == 1 else "which fail"
    return f"{_listed([f'the {service}' for service in services])}, {fail} for all instances at the moment"


def _noted(client: redis.Redis) -> Any:
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    pipeline.hgetall(OPEN)
    return pipeline.execute()


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
