"""Both censuses take the same things for what may outlive an instance."""

from tests.provisioning.workflows import census as workflows
from tools.chaos import census as chaos


def test_what_may_outlive_an_instance_is_said_the_same_twice():
    assert set(workflows.OUTLIVES) == set(chaos.OUTLIVES) - {"mail"}
