"""What protects must not hurt: with Redis away, or silent, calls to Google go on at once."""

import socket
import tempfile
import time
from pathlib import Path

import pytest
import structlog

from provisioning.clients.google import api, execute
from provisioning.clients.google.breaker import obstacle, open_services
from provisioning.clients.google.calls import Call
from provisioning.clients.google.quotas import take
from provisioning.clients.google.tally import ASKED_AGAIN_AFTER_SECONDS, TIMEOUT_SECONDS, tally
from provisioning.outcomes import NotYet
from tools.ports import any_free
from tools.redis import RedisServer
from tools.supervisor import running

CALL = Call("iam", "iam.things.get", is_read=True, subject="src-1")


@pytest.fixture
def google(settings):
    settings.GOOGLE_QUOTAS = {"iam": 6}
    settings.ENGINE_PACE = 1.0
    return settings


@pytest.fixture
def redis_server():
    with tempfile.TemporaryDirectory(prefix="portal-redis-") as folder:
        yield RedisServer(Path(folder), any_free(), durable=False)


def count_in(settings, location: str) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}


def is_limited() -> bool:
    try:
        for _ in range(10):
            take(CALL)
    except NotYet:
        return True
    return False


def test_redis_stops_and_starts_and_calls_go_on_all_the_while(google, redis_server):
    count_in(google, redis_server.url)
    log = redis_server.folder / "redis.log"
    with running(redis_server.service(), log):
        assert is_limited()
    with structlog.testing.capture_logs() as logs:
        begin = time.monotonic()
        assert not is_limited()
        assert open_services() == {}
        assert obstacle() == ""
        tally()._away_until = 0.0  # a moment later
        assert not is_limited()
        assert time.monotonic() - begin < 1.0
    assert len(logs) == 1  # not once for each call
    with running(redis_server.service(), log):
        tally()._away_until = 0.0
        assert is_limited()  # the pooled connection is dead and the script unknown: neither is noticed


def test_a_redis_that_says_nothing_holds_nobody_up_for_long(google):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        count_in(google, f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begin = time.monotonic()
        assert not is_limited()
        assert obstacle() == ""
        assert time.monotonic() - begin < min(2 * TIMEOUT_SECONDS, ASKED_AGAIN_AFTER_SECONDS)


def test_calls_are_answered_without_redis(devcloud, google):
    count_in(google, f"redis://127.0.0.1:{any_free()}/0")
    answer = execute(api("cloudresourcemanager", "v3").projects().search(query="state:ACTIVE"))
    assert isinstance(answer, dict)
