"""One devcloud for all of these tests, with a shop that sells there."""

from collections.abc import Iterator

import httpx
import pytest

from tests.devcloud.stripe.shop import Receiver, Shop
from tests.stack.devcloud import RunningDevcloud, running_devcloud


@pytest.fixture(scope="session")
def devcloud(tmp_path_factory) -> Iterator[RunningDevcloud]:
    with running_devcloud(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="session")
def shop(devcloud) -> Iterator[Shop]:
    selling = Shop(devcloud)
    yield selling
    selling.close()


@pytest.fixture
def receiver(shop) -> Iterator[Receiver]:
    """It wants every event there is, and has the endpoint's secret."""
    taking = Receiver()
    endpoint = shop.api.webhook_endpoints.create({"url": taking.url, "enabled_events": ["*"]})
    taking.secret, taking.endpoint = endpoint.secret, endpoint.id
    yield taking
    shop.api.webhook_endpoints.delete(endpoint.id)
    shop.control("DELETE", "rules")
    taking.stop()


@pytest.fixture
def browser(devcloud) -> Iterator[httpx.Client]:
    """It follows redirects only when it is told to: they lead to the shop."""
    with httpx.Client(base_url=devcloud.http_url, trust_env=False) as client:
        yield client


@pytest.fixture
def raw(devcloud) -> Iterator[httpx.Client]:
    """Calls that the SDK would not make."""
    headers = {"Authorization": "Bearer sk_test_raw"}
    with httpx.Client(base_url=f"{devcloud.http_url}/stripe/v1", headers=headers, trust_env=False) as client:
        yield client
