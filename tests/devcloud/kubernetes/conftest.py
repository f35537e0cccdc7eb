"""Clusters to play with: one running stand for all tests, a fresh cluster for each."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests import waiting
from tests.devcloud.kubernetes.stand import Cluster, Stand


@pytest.fixture(scope="session")
def stand(tmp_path_factory) -> Iterator[Stand]:
    running = Stand(tmp_path_factory.mktemp("devcloud"))
    yield running
    running.stop()


@pytest.fixture
def cluster(stand: Stand) -> Cluster:
    return stand.cluster()


@pytest.fixture
def api(cluster) -> Iterator[httpx.Client]:
    """A client of the fresh cluster's API server, with every right."""
    with cluster.client() as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    return waiting.eventually
