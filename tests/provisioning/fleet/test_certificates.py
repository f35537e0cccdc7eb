"""That nothing is left, line by line, and that nobody has changed a word of it."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from portal.core import clock as time
from provisioning import selectors
from provisioning.engine.action import Missing, NotYet, seconds
from provisioning.engine.graph import Goal
from provisioning.fleet import certificates
from provisioning.models import Certificate, Instance, InstanceStatus, Operation
from provisioning.services import operation_request, operation_retry, operation_skip
from provisioning.workflows.teardown import TEARDOWN
from tests.provisioning.driving import run_to_the_end
from tests.provisioning.engine.world import registered
from tests.provisioning.services.conftest import clock
from tests.provisioning.sights import Sights, house, node

__all__ = ["clock"]


@pytest.fixture
def sights():
    """`teardown` ends as the real one does, over a house and its project."""
    sights = Sights()
    stubborn = node(sights, "moat", "roof", goal=Goal.ABSENT, gives_up="It goes with the project.")
    project = node(sights, "project", "moat", goal=Goal.ABSENT)
    with registered(replace(TEARDOWN, nodes=(*house(sights, Goal.ABSENT), stubborn, project))):
        yield sights


@pytest.fixture
def tear_down(sights, trial, by_ada, clock):
    def tear_down() -> Operation:
        operation = operation_request(instance=trial, kind="teardown", actor=by_ada)
        return run_to_the_end(operation, clock)

    return tear_down


def line_of(certificate: Certificate, name: str) -> dict[str, object]:
    return next(line for line in certificate.lines if line["resource"].endswith(name))


def test_a_teardown_ends_with_a_certificate(tear_down, sights, trial):
    sights.says |= {"left": Missing("left was never there")}
    operation = tear_down()
    certificate = selectors.certificate_of(trial)
    assert certificate is not None
    assert certificate.operation == operation
    assert Instance.objects.get(pk=trial.pk).status == InstanceStatus.DELETED
    now = time.now().isoformat(timespec="microseconds")
    assert line_of(certificate, "/ground") == {
        "title": "A thing to be seen",
        "resource": f"toy/{trial.pk}/ground",
        "asked_at": now,
        "confirmed_at": now,
        "confirmed": "ground is not listed",
        "deeds": ["dropped ground"],
    }
    left = line_of(certificate, "/left")
    assert (left["asked_at"], left["confirmed"], left["deeds"]) == (None, "left was never there", [])


def test_what_gave_up_goes_with_the_project_and_says_how_that_was_confirmed(tear_down, sights, trial):
    sights.says |= {"moat": NotYet("Google to let go", seconds(60))}
    tear_down()
    certificate = selectors.certificate_of(trial)
    assert certificate is not None
    moat = line_of(certificate, "/moat")
    assert moat["confirmed"] == "It goes with the project: project is not listed"
    assert moat["confirmed_at"] == line_of(certificate, "/project")["confirmed_at"]


def test_what_was_skipped_by_hand_is_not_called_confirmed(tear_down, sights, trial, by_ada, clock):
    sights.says |= {"left": NotYet("a person", seconds(60))}
    operation = tear_down()
    assert operation.status == "failed"
    operation_skip(operation=operation, step_name="left", actor=by_ada, reason="I saw it gone.")
    run_to_the_end(operation, clock)
    certificate = selectors.certificate_of(trial)
    assert certificate is not None
    left = line_of(certificate, "/left")
    assert left["confirmed_at"] is None
    assert "skipped by hand" in str(left["confirmed"])


def test_a_retry_keeps_when_it_was_first_asked(tear_down, sights, trial, by_ada, clock):
    began = time.now().isoformat(timespec="microseconds")
    sights.says |= {"right": NotYet("a person", seconds(60))}
    operation = tear_down()
    sights.says.pop("right")
    operation_retry(operation=operation, actor=by_ada, reason="")
    run_to_the_end(operation, clock)
    certificate = selectors.certificate_of(trial)
    assert certificate is not None
    assert line_of(certificate, "/ground")["asked_at"] == began
    assert str(line_of(certificate, "/right")["asked_at"]) > began


def test_its_digest_is_that_of_what_it_says(tear_down, trial):
    operation = tear_down()
    certificate = Certificate.objects.get(operation=operation)
    says = {
        "instance": trial.pk,
        "slug": "acme",
        "domain": trial.domain,
        "organization": trial.organization_id,
        "operation": operation.pk,
        "issued_at": certificate.issued_at.isoformat(timespec="microseconds"),
        "lines": certificate.lines,
    }
    canonical = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert certificate.digest == sha256(canonical.encode()).hexdigest()
    assert certificates.verify(certificate)


@pytest.mark.parametrize("field", ["lines", "issued_at"])
def test_a_changed_certificate_does_not_verify(tear_down, trial, field):
    tear_down()
    certificate = Certificate.objects.get(instance=trial)
    changed = {"lines": certificate.lines[1:], "issued_at": certificate.issued_at + timedelta(seconds=1)}
    setattr(certificate, field, changed[field])
    assert not certificates.verify(certificate)


def test_a_second_teardown_issues_its_own(tear_down, trial, clock):
    first = tear_down()
    clock.shift(timedelta(days=1))
    second = tear_down()
    assert Certificate.objects.filter(instance=trial).count() == 2
    newest = selectors.certificate_of(trial)
    assert newest is not None
    assert newest.operation == second != first
