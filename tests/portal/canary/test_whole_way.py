"""The canary against the real stack: portal, workers, beat, mail server and cloud, over HTTP."""

import subprocess
import sys

import pytest

from tests.browser.stack import Stack, running_stack
from tools.paths import PROJECT

pytestmark = [pytest.mark.helm, pytest.mark.timeout(600)]
STAGES = (
    "Signs up", "Confirms its address", "Names an organization", "Starts a trial", "Waits until it runs", "Opens it",
    "Deletes it", "Waits until it is gone", "Closes its account",
)  # fmt: skip
LEFT = """
from django.db.models import Q
from portal.core.models import User
from provisioning.models import Instance
from portal.canary.models import CanaryRun
print(Instance.objects.exclude(status="deleted").count(), User.objects.filter(is_active=True).count())
print(CanaryRun.objects.filter(Q(cleaned_at=None) | ~Q(cookies=[]) | ~Q(letter="")).count())
"""


def manage(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, env=stack.environment, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=300
    )


def check_nothing_is_left(stack: Stack) -> None:
    left = manage(stack, "shell", "--no-imports", "-c", LEFT)
    assert left.stdout.split() == ["0", "0", "0"], left.stdout + left.stderr


def test_it_gets_through_and_where_the_cloud_refuses_it_says_so_and_leaves_nothing(tmp_path):
    with running_stack(tmp_path) as stack:
        run = manage(stack, "canary", "--reason", "a test")
        assert run.returncode == 0, run.stdout + run.stderr
        assert [title for title in STAGES if f"\n{title} " not in run.stdout] == []
        assert "It got through in" in run.stdout
        check_nothing_is_left(stack)

        stack.devcloud.add_fault("sql.instances.insert", "status", status=400, reason="invalid")
        run = manage(stack, "canary")
        assert run.returncode != 0
        assert "Waits until it runs: " in run.stderr
        check_nothing_is_left(stack)
