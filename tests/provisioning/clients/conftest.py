"""Clients against devcloud and a real Redis; what all workers count together begins at nothing in each test."""

import pytest
import redis

from tests.provisioning.workflows.conftest import devcloud, devcloud_server

__all__ = ["devcloud", "devcloud_server"]


@pytest.fixture
def nothing_counted(_a_cache_of_its_own, settings) -> None:
    with redis.Redis.from_url(settings.CACHES["default"]["LOCATION"]) as client:
        for key in client.scan_iter("google-*"):
            client.delete(key)
