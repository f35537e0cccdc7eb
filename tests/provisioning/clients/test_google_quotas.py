"""Google's rate quotas are kept by all workers together, and nobody starves. Real Redis, real devcloud."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, PriorityQueue

import pytest
import redis

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.calls import Call
from provisioning.clients.google.quotas import COSTS, QUOTAS, take
from provisioning.outcomes import NotYet
from provisioning.turns import turn

pytestmark = pytest.mark.usefixtures("nothing_counted")


@pytest.fixture
def google(settings):
    """Google's own endpoint; only the bucket is asked, nothing is called."""
    settings.GOOGLE_API_ENDPOINT = ""
    settings.ENGINE_PACE = 1.0
    return settings


def reading(service: str, subject: str = "src-1") -> Call:
    return Call(service, f"{service}.things.get", is_read=True, subject=subject)


def writing(service: str, verb: str = "things.insert") -> Call:
    return Call(service, f"{service}.{verb}", is_read=False, subject="src-1")


def taken(call: Call, most: int = 500) -> int:
    """How many calls go at once."""
    for count in range(most):
        try:
            take(call)
        except NotYet:
            return count
    return most


def refusal(call: Call) -> NotYet:
    with pytest.raises(NotYet) as caught:
        take(call)
    return caught.value


def place_of(settings, bucket: str, who: str) -> dict[str, str]:
    with redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], decode_responses=True) as client:
        return dict(client.hgetall(f"google-quota:{bucket}:place:{who}"))


def test_a_used_up_quota_says_what_is_waited_for_and_how_long(google):
    google.GOOGLE_QUOTAS = {"container": 60}
    assert 10 <= taken(reading("container", "src-1")) <= 12  # ten seconds' worth at once, and one to begin with
    not_yet = refusal(reading("container", "src-2"))
    assert not_yet.why == "its turn: the quota of the Kubernetes Engine API"
    assert 0 < not_yet.again.total_seconds() < 3


def test_who_comes_later_is_told_a_later_time_and_coming_early_changes_nothing(google):
    google.GOOGLE_QUOTAS = {"container": 60}
    taken(reading("container", "src-0"))
    waits = [refusal(reading("container", f"src-{number}")).again.total_seconds() for number in range(1, 6)]
    assert waits[-1] > waits[0] + 4
    again = [refusal(reading("container", f"src-{number}")).again.total_seconds() for number in range(1, 6)]
    assert all(second < first * 1.15 for first, second in zip(waits, again, strict=True))


def test_who_was_sent_away_goes_before_who_comes_later(google):
    google.GOOGLE_QUOTAS = {"cloudresourcemanager": 600}
    taken(reading("cloudresourcemanager", "src-0"))
    first = refusal(reading("cloudresourcemanager", "src-1")).again.total_seconds()
    for number in range(2, 9):
        refusal(reading("cloudresourcemanager", f"src-{number}"))
    time.sleep(first)  # as the engine would
    assert refusal(reading("cloudresourcemanager", "src-late"))
    take(reading("cloudresourcemanager", "src-1"))


def test_reads_and_writes_count_apart_and_a_verb_may_have_its_own(google):
    google.GOOGLE_QUOTAS = {"iam.read": 60, "iam.write": 120, "iam.undelete": 30}
    assert taken(reading("iam")) == pytest.approx(11, abs=1)
    assert taken(writing("iam")) == pytest.approx(21, abs=1)
    assert taken(writing("iam", "things.undelete")) == pytest.approx(6, abs=1)


def test_a_project_costs_ten_writes(google):
    assert COSTS["cloudresourcemanager.projects.create"] == 10
    assert taken(writing("cloudresourcemanager", "projects.create")) in {1, 2}
    assert taken(reading("cloudresourcemanager")) >= 10


@pytest.mark.parametrize("service", ["compute", "sqladmin"])
def test_each_instance_has_its_own_quota_of_what_counts_against_its_project(google, service):
    google.GOOGLE_QUOTAS = {service: 60}
    taken(reading(service, "src-1"))
    refusal(reading(service, "src-1"))
    take(reading(service, "src-2"))


def test_all_share_the_others(google):
    google.GOOGLE_QUOTAS = {"gkebackup": 60}
    taken(reading("gkebackup", "src-1"))
    refusal(reading("gkebackup", "src-2"))


def test_the_defaults_hold_for_google_alone_and_what_is_stated_holds_everywhere(google):
    assert taken(writing("serviceusage")) < QUOTAS["serviceusage.write"]
    google.GOOGLE_API_ENDPOINT = "http://127.0.0.1:1/google"
    assert taken(reading("serviceusage"), 300) == 300
    google.GOOGLE_QUOTAS = {"serviceusage": 60}
    assert taken(reading("serviceusage")) < 60


@pytest.mark.parametrize("stated", [{"serviceusage": 0}, {"serviceusage.write": 0}, {"all": 0}])
def test_a_limit_can_be_taken_away(google, stated):
    google.GOOGLE_QUOTAS = stated
    assert taken(writing("serviceusage"), 100) == 100


def test_no_minute_sees_more_than_the_quota(google):
    google.GOOGLE_QUOTAS = {"monitoring": 6000}
    begin, went = time.monotonic(), 0
    went = taken(reading("monitoring"), 5000)
    until = begin + 0.5
    while time.monotonic() < until:
        went += taken(reading("monitoring"), 5000)
    spent = time.monotonic() - begin
    assert went <= 6000 * (10 + spent) / 60 + 2


def test_a_wait_is_in_the_engines_time(google):
    google.GOOGLE_QUOTAS = {"container": 60}
    taken(reading("container", "src-1"))
    google.ENGINE_PACE = 0.1  # the engine multiplies by it
    assert refusal(reading("container", "src-2")).again.total_seconds() * 0.1 < 3


def test_a_turn_that_has_begun_is_not_stopped_half_way(google):
    google.GOOGLE_QUOTAS = {"cloudresourcemanager": 60}
    with turn("step-1"):
        for _ in range(20):
            take(reading("cloudresourcemanager"))
    with turn("step-2"):
        assert refusal(reading("cloudresourcemanager")).again.total_seconds() > 15  # the debt is waited for
    with turn("step-1"):
        assert refusal(reading("cloudresourcemanager"))  # and it was the one turn that might


def test_whoever_was_sent_away_three_times_goes_in(google):
    google.GOOGLE_QUOTAS = {"cloudresourcemanager": 6000}
    with turn("hog"):
        for _ in range(2000):
            take(reading("cloudresourcemanager"))  # far into debt
    bucket = "cloudresourcemanager"
    for count in range(1, 4):
        with turn("patient"):
            refusal(reading("cloudresourcemanager"))
        assert place_of(google, bucket, "patient")["sent_away"] == str(count)
        with redis.Redis.from_url(google.CACHES["default"]["LOCATION"]) as client:
            client.hset(f"google-quota:{bucket}:place:patient", "due", 0)  # its time has come
    with turn("patient"):
        take(reading("cloudresourcemanager"))
    assert place_of(google, bucket, "patient") == {}


def work_off(steps: PriorityQueue[tuple[float, int, int]], done: dict[int, int]) -> None:
    """A worker: takes the step that is due first, puts it back as the engine would, notes how many tries it took."""
    while True:
        try:
            due, tries, step = steps.get_nowait()
        except Empty:
            return
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            with turn(f"step-{step}"):
                for _ in range(5):
                    take(reading("cloudresourcemanager", f"src-{step}"))
            done[step] = tries + 1
        except NotYet as not_yet:
            steps.put((time.monotonic() + not_yet.again.total_seconds(), tries + 1, step))


def test_everyone_gets_through_a_tiny_quota_and_the_quota_holds(google):
    google.GOOGLE_QUOTAS = {"cloudresourcemanager": 4800}  # 80 a second, for 40 looks of 5 calls on 4 workers
    steps: PriorityQueue[tuple[float, int, int]] = PriorityQueue()
    for step in range(40):
        steps.put((0.0, 0, step))
    done: dict[int, int] = {}
    begin = time.monotonic()
    with ThreadPoolExecutor(4) as workers:
        for worker in [workers.submit(work_off, steps, done) for _ in range(4)]:
            worker.result()
    at_once, debt = 81, 4 * 4
    assert time.monotonic() - begin >= (40 * 5 - at_once - debt) / 80
    assert len(done) == 40
    assert max(done.values()) <= 4  # sent away three times at most


def in_processes(work: Callable[[int], int], count: int) -> list[int]:
    with multiprocessing.get_context("fork").Pool(count) as pool:
        return pool.map(work, range(count))


def taken_by_one_process(number: int) -> int:
    return taken(Call("container", "container.things.get", is_read=True, subject=f"src-{number}"))


def test_all_processes_share_one_bucket(google):
    google.GOOGLE_QUOTAS = {"container": 600}
    assert sum(in_processes(taken_by_one_process, 4)) == pytest.approx(101, abs=10)


def test_a_call_without_a_token_is_not_made(devcloud, settings):
    settings.GOOGLE_QUOTAS = {"compute": 6}
    networks, project = api("compute", "v1").networks(), "src-of-this-test-alone"
    results = []
    for _ in range(5):
        try:
            execute(networks.list(project=project))
        except NotYet as not_yet:
            results.append(not_yet.why)
        except NotFound:
            results.append("no such project")
    assert results == ["no such project"] * 2 + ["its turn: the quota of the Compute Engine API"] * 3
    # A call of another test that timed out may be noted only now.
    assert len([call for call in devcloud.calls() if project in call["path"]]) == 2
