"""A running instance that the verdict can be shown, whole or broken."""

from collections.abc import Iterator

import pytest

from tests.provisioning.workflows.conftest import (  # noqa: F401 - fixtures, used by their names
    architecture,
    by_owner,
    devcloud,
    devcloud_server,
    instance,
    provisioned,
    running,
)
from tools.chaos.census import Census


@pytest.fixture
def tenancy(request) -> str:
    return getattr(request, "param", "dedicated")


@pytest.fixture
def census(devcloud) -> Iterator[Census]:  # noqa: F811 - asked for by name
    census = Census(devcloud.http_url)
    yield census
    census.close()
