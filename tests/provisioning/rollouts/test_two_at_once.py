"""Two beats at once, and beats beside the ends of operations: nobody begins twice, and never too many."""

import threading

import pytest
from django.db import connection

from provisioning.models import Operation
from provisioning.services.rollouts import rollouts_tick
from tests.provisioning.rollouts.toy_fleet import end_well, policy, under_way

pytestmark = pytest.mark.django_db(transaction=True)


def side_by_side(*deeds) -> list[BaseException]:
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(deeds))

    def run(deed) -> None:
        try:
            barrier.wait()
            deed()
        except BaseException as failure:  # noqa: BLE001 - it is told by the test's own thread
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_two_beats_begin_nobody_twice_and_never_too_many(populate, begun, new):
    populate(12)
    rollout = begun(new, policy(100, most_at_once=8))
    assert side_by_side(rollouts_tick, rollouts_tick, rollouts_tick) == []
    rollouts_tick()
    assert Operation.objects.count() == 8
    assert len(set(Operation.objects.values_list("instance", flat=True))) == 8
    assert rollout.members.filter(status="running").count() == 8


def test_a_beat_and_the_ends_of_operations_do_not_wait_for_each_other(populate, begun, new):
    populate(12)
    rollout = begun(new, policy(100, most_at_once=4))
    rollouts_tick()
    for _ in range(4):
        going = under_way()
        half = len(going) // 2
        failures = side_by_side(lambda: end_well(*going[:half]), lambda: end_well(*going[half:]), rollouts_tick)  # noqa: B023 - run within the round
        assert failures == []
    while going := under_way():
        end_well(*going)
        rollouts_tick()
    assert set(rollout.members.values_list("status", flat=True)) == {"done"}
    assert Operation.objects.count() == 12
