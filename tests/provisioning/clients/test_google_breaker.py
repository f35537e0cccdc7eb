"""A service that fails for everyone stops new starts, and they resume by themselves. Real Redis, real devcloud."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.clients.google import GoogleError, api, execute
from provisioning.clients.google.breaker import count, obstacle, open_services
from provisioning.clients.google.calls import Call
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_counted")
INSTANCES = [f"src-{number:020x}" for number in range(4)]
PATIENCE_SECONDS = 10


@pytest.fixture
def quick(settings):
    settings.ENGINE_PACE = 1.0
    settings.GOOGLE_BREAKER_WINDOW_SECONDS = 5.0
    settings.GOOGLE_BREAKER_HOLD_SECONDS = 0.3
    return settings


@pytest.fixture
def cloud(devcloud, quick):
    return devcloud


def ask(instance: str) -> str:
    """How a look ends."""
    try:
        execute(api("compute", "v1").networks().list(project=instance))
    except (GoogleError, OSError) as error:
        return type(error).__name__
    return "went"


def counted(service: str, instance: str, *, failed: bool, times: int = 1) -> None:
    for _ in range(times):
        count(Call(service, f"{service}.x.get", is_read=True, subject=instance), failed=failed)


def failing_for_all(service: str = "compute", times: int = 3) -> None:
    for instance in INSTANCES:
        counted(service, instance, failed=True, times=times)


def wait_until_closed() -> None:
    eventually(lambda: not obstacle(), within=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("effect", "fields", "error"),
    [
        ("status", {"status": 503}, "Passing"),
        ("status", {"status": 429, "reason": "rateLimitExceeded"}, "Passing"),
        ("status", {"status": 403, "reason": "rateLimitExceeded"}, "Passing"),
        ("reset", {}, "ConnectionResetError"),
        ("timeout", {"seconds": 5}, "TimeoutError"),
    ],
    ids=["503", "429", "403-rate", "reset", "timeout"],
)
def test_it_opens_when_a_service_fails_for_all_and_closes_when_calls_succeed_again(cloud, quick, effect, fields, error):
    quick.GOOGLE_TIMEOUT_SECONDS = 0.05 if effect == "timeout" else 5.0
    fault = cloud.add_fault("compute.*", effect, **fields)
    assert [ask(instance) for instance in INSTANCES for _ in range(3)] == [error] * 12
    assert obstacle() == "the Compute Engine API, which fails for all instances at the moment"
    assert datetime.now(UTC) - open_services()["compute"] < timedelta(seconds=5)
    cloud.control("DELETE", f"faults/{fault}")
    quick.GOOGLE_TIMEOUT_SECONDS = 5.0
    until = time.monotonic() + PATIENCE_SECONDS
    while obstacle():
        assert time.monotonic() < until, "It stays open."
        assert ask(INSTANCES[0]) == "NotFound"  # it answers: there is no such project


def test_one_instance_that_fails_alone_opens_nothing(cloud):
    cloud.add_fault("compute.*", "status", status=503)
    assert {ask(INSTANCES[0]) for _ in range(20)} == {"Passing"}
    assert open_services() == {}
    assert obstacle() == ""


def test_errors_of_our_own_making_open_nothing(cloud):
    for instance in INSTANCES * 4:
        assert ask(instance) == "NotFound"
    assert open_services() == {}


def test_it_closes_when_calls_cease(quick):
    failing_for_all()
    assert obstacle()
    wait_until_closed()


def test_few_failures_among_many_calls_open_nothing(quick):
    counted("compute", INSTANCES[0], failed=False, times=20)
    failing_for_all(times=4)
    assert open_services() == {}
    failing_for_all(times=2)
    assert list(open_services()) == ["compute"]


def test_two_services_are_named_together_and_each_counts_for_itself(quick):
    failing_for_all("sqladmin")
    assert list(open_services()) == ["sqladmin"]
    failing_for_all("compute")
    assert obstacle() == (
        "the Cloud SQL Admin API and the Compute Engine API, which fail for all instances at the moment"
    )


def test_it_stays_open_since_the_same_moment_while_calls_fail(quick):
    failing_for_all()
    since = open_services()["compute"]
    until = time.monotonic() + 2 * quick.GOOGLE_BREAKER_HOLD_SECONDS
    while time.monotonic() < until:
        failing_for_all(times=1)
    assert open_services() == {"compute": since}


def test_its_times_follow_the_engines_pace(quick):
    quick.ENGINE_PACE = 0.1
    begin = time.monotonic()
    failing_for_all()
    assert obstacle()
    wait_until_closed()
    assert time.monotonic() - begin < 1.0


def test_it_can_be_switched_off(quick):
    quick.GOOGLE_BREAKER_FAILURES = 0
    failing_for_all()
    assert open_services() == {}
