"""The machine of machine.py, run over the same examples each time.

To search further, with other seeds and for as long as you like:

    MACHINE_EXAMPLES=1000 bin/test -- tests/provisioning/engine/test_machine.py --hypothesis-seed=1
"""

import os

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import release
from tests.provisioning.engine import legal
from tests.provisioning.engine.machine import InstanceMachine
from tests.provisioning.engine.outside import Outside
from tests.provisioning.engine.stage import START, VERSIONS, Scene, Start, workflows
from tests.provisioning.engine.world import registered

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "0"))  # for each start
SEARCH = settings(
    max_examples=EXAMPLES or 8,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def scene(instance, by_alice):
    for version in VERSIONS[1:]:
        release(version, "major")
    legal.keep_log()
    outside = Outside()
    with registered(*workflows(outside)), time_machine.travel(START, tick=False) as traveller:
        yield Scene(instance.pk, by_alice, outside, traveller)


@pytest.mark.timeout(3600)  # shrinking a failure takes minutes, a long search hours
@pytest.mark.django_db
@pytest.mark.parametrize("start", Start)
def test_whatever_happens_only_what_is_legal_follows(scene, start):
    class Here(InstanceMachine):
        def __init__(self) -> None:
            super().__init__(scene, start)

    run_state_machine_as_test(Here, settings=SEARCH)
