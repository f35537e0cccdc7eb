"""Helm as a child: however many runs a deed takes, it ends below the lease. The program is a script that dawdles."""

import time

import pytest

from provisioning.clients import helm
from provisioning.clients.helm import Helm, HelmFailed

HISTORY = '[{"revision": 1, "status": "deployed"}, {"revision": 2, "status": "pending-upgrade"}]'


@pytest.fixture
def slow_helm(settings, tmp_path):
    """Each of its runs takes 1.5 of the 2.5 seconds that a deed has: two of them have no time, and one has plenty."""
    program = tmp_path / "helm"
    program.write_text(
        f"#!/bin/sh\n[ $1 = version ] && echo v4.3.1 && exit\necho $1 >> {tmp_path}/runs\nsleep 1.5\necho '{HISTORY}'\n"
    )
    program.chmod(0o700)
    settings.HELM_BINARY, settings.HELM_TIMEOUT_SECONDS, settings.HELM_GRACE_SECONDS = str(program), 2.5, 0.2
    helm.major_version.cache_clear()
    yield tmp_path
    helm.major_version.cache_clear()


def test_all_runs_of_a_deed_share_one_time(slow_helm):
    begin = time.monotonic()
    with pytest.raises(HelmFailed):
        Helm({}, "sourcegraph").repair("sourcegraph", apply=True)
    assert time.monotonic() - begin < 5.0
    assert (slow_helm / "runs").read_text().split() == ["history", "rollback"]


def test_a_deed_whose_time_is_over_starts_no_helm(slow_helm, settings):
    settings.HELM_TIMEOUT_SECONDS = 0.0
    with pytest.raises(HelmFailed, match="used up"):
        Helm({}, "sourcegraph").uninstall("sourcegraph")
    assert not (slow_helm / "runs").exists()
