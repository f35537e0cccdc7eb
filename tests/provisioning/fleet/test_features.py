"""What a feature may bring along."""

import pytest

from portal.core.errors import Invalid
from provisioning.fleet.features import PARTS, check_feature

SWITCH = {"worker": {"env": {"WORKER_JOB_BLOCKLIST": {"value": ""}}}}


def test_switches_of_the_application_and_parts_with_a_step_are_fine():
    check_feature(SWITCH, PARTS - {"assistant"})
    check_feature({}, ())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "values is a mapping"),
        ({"frontend": "on"}, "frontend is a mapping"),
        ({"frontend": {"ingress": {"host": "elsewhere.example"}}}, "may set “env” alone"),
        ({"frontend": {"env": {}, "replicaCount": 9}}, "may set “env” alone"),
        ({"frontend": {"env": {"A": "b"}}}, r"frontend\.env\.A is written as"),
        ({"frontend": {"env": {"A": {"value": True}}}}, r"frontend\.env\.A is written as"),
        ({"frontend": {"env": {"A": {"value": "b", "valueFrom": {}}}}}, r"frontend\.env\.A is written as"),
    ],
)
def test_more_than_that_is_refused(values, says):
    with pytest.raises(Invalid, match=says):
        check_feature(values, ())


def test_a_part_that_nobody_can_make_is_named():
    with pytest.raises(Invalid, match="no step yet that makes teleporter"):
        check_feature({}, ["static-address", "teleporter"])


def test_the_assistant_needs_somebody_to_ask(settings):
    with pytest.raises(Invalid, match="No provider of models"):
        check_feature({}, ["assistant"])
    settings.ASSISTANT_PROVIDER = "anthropic"
    check_feature({}, ["assistant"])
