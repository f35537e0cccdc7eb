"""Instances that stand in devcloud, and what is found in them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from portal.core import clock
from provisioning.health.inside.findings import Finding, Subject
from provisioning.models import Instance
from provisioning.spec import spec_of
from tests.provisioning.workflows.conftest import (
    architecture,
    devcloud,
    devcloud_server,
    instance,
    provisioned,
    running,
)

__all__ = ["architecture", "devcloud", "devcloud_server", "instance", "provisioned", "running"]


@pytest.fixture
def tenancy(request) -> str:
    return str(getattr(request, "param", "dedicated"))


@pytest.fixture
def subject(running: Instance) -> Subject:
    """A running instance, as the round gives it to a look."""
    return Subject(spec_of(running), clock.now())


@pytest.fixture
def later() -> Callable[..., Finding]:
    """What a look finds after so much time has passed for the portal."""

    def look_later(look: Callable[[Subject], Finding], subject: Subject, **span: float) -> Finding:
        with time_machine.travel(clock.now() + timedelta(**span), tick=False):
            return look(subject)

    return look_later
