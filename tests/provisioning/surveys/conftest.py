"""Instances that were really provisioned, in devcloud."""

import pytest

from provisioning.models import Instance
from tests.provisioning.workflows.conftest import devcloud, devcloud_server, instance, tenancy
from tests.provisioning.workflows.harness import assert_succeeded, run

__all__ = ["devcloud", "devcloud_server", "instance", "tenancy"]


@pytest.fixture
def standing(instance) -> Instance:
    """An instance that runs."""
    assert_succeeded(run(instance.operations.get()))
    return Instance.objects.get(pk=instance.pk)
