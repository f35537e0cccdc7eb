"""Every line of the log says which instance, operation and step it is about, and which click it began with."""

import io
import json
import logging

import pytest
import structlog
from structlog.stdlib import ProcessorFormatter

from provisioning.engine.graph import OnFailure
from provisioning.services import operation_request
from tests.provisioning.driving import work_once
from tests.provisioning.engine.world import World, diamond, registered

pytestmark = pytest.mark.django_db


@pytest.fixture
def written():
    """What is written into the log, in the form that it has in production."""
    root, written = logging.getLogger(), io.StringIO()
    [form] = {handler.formatter for handler in root.handlers if isinstance(handler.formatter, ProcessorFormatter)}
    handler = logging.StreamHandler(written)
    handler.setFormatter(form)
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


@pytest.fixture
def lines(written, trial, by_alice):
    """What the first step of an operation writes into the log, by whom it was asked for."""

    def lines(**asked_in: str) -> list[dict[str, str]]:
        world = World()
        speaking = lambda: logging.getLogger("googleapiclient").error("something outside")  # noqa: E731 - one line
        world.script["ground", "look"].append(speaking)
        with registered(diamond(world, OnFailure.KEEP)):
            with structlog.contextvars.bound_contextvars(**asked_in):
                operation_request(instance=trial, kind="provision", actor=by_alice)
            work_once()
        said = map(json.loads, written.getvalue().splitlines())
        return [line for line in said if line["event"] == "something outside"]

    return lines


def test_a_line_names_instance_operation_and_step(lines, trial):
    [line] = lines()
    operation = trial.operations.get()
    assert (line["instance"], line["operation"], line["step"]) == (trial.pk, operation.pk, "ground")
    assert "request_id" not in line


def test_a_line_names_the_click_that_it_began_with(lines, trial):
    [line] = lines(request_id="req-1")
    assert (line["request_id"], trial.operations.get().request_id) == ("req-1", "req-1")
    assert "request_id" not in structlog.contextvars.get_contextvars()
