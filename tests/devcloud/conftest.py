"""One devcloud for all of these tests; each works in a project of its own."""

from collections.abc import Iterator

import pytest

from tests.devcloud.google_client import GoogleClient, Place
from tests.stack.devcloud import RunningDevcloud, running_devcloud


@pytest.fixture(scope="session")
def devcloud(tmp_path_factory) -> Iterator[RunningDevcloud]:
    """With realistic durations: nothing comes to its end before the test skips to it."""
    with running_devcloud(tmp_path_factory.mktemp("devcloud"), "realistic") as running:
        yield running


@pytest.fixture
def faulty(devcloud) -> Iterator[RunningDevcloud]:
    """The same devcloud; the fault rules of the test are gone after it."""
    yield devcloud
    devcloud.control("DELETE", "faults")


@pytest.fixture(scope="session")
def google(devcloud) -> Iterator[GoogleClient]:
    client = GoogleClient(devcloud)
    yield client
    client.close()


@pytest.fixture
def place(google: GoogleClient) -> Place:
    """A project with every service enabled."""
    return google.project()
