"""The canary against the real stack: portal, workers, beat, mail server and cloud, over HTTP."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.browser.stack import Stack, running_stack
from tools.paths import PROJECT

pytestmark = [pytest.mark.helm, pytest.mark.timeout(600)]
STAGES = (
    "Signs up", "Confirms its address", "Names an organization", "Starts a trial", "Waits until it runs", "Opens it",
    "Deletes it", "Waits until it is gone", "Closes its account",
)  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


def manage(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, env=stack.environment, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=300
    )


def test_it_comes_has_an_instance_and_leaves_nothing_behind(stack):
    run = manage(stack, "canary", "--reason", "a test")
    assert run.returncode == 0, run.stdout + run.stderr
    assert [line for line in STAGES if f"\n{line} " not in run.stdout] == []
    assert "It got through in" in run.stdout
    left = manage(stack, "shell", "--no-imports", "-c", LEFT)
    assert left.stdout.split() == ["0", "0", "0"], left.stdout + left.stderr


def test_what_the_cloud_refuses_is_told_and_taken_away(stack):
    stack.devcloud.add_fault("sqladmin.instances.insert", "status", status=400, reason="invalid")
    run = manage(stack, "canary")
    assert run.returncode != 0
    assert "Waits until it runs: " in run.stderr
    left = manage(stack, "shell", "--no-imports", "-c", LEFT)
    assert left.stdout.split() == ["0", "0", "0"], left.stdout + left.stderr


LEFT = """
from django.db.models import Q
from portal.core.models import User
from provisioning.models import Instance
from portal.canary.models import CanaryRun
print(Instance.objects.exclude(status="deleted").count(), User.objects.filter(is_active=True).count())
print(CanaryRun.objects.filter(Q(cleaned_at=None) | ~Q(cookies=[]) | ~Q(letter="")).count())
"""
