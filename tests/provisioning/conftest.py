import pytest

from provisioning.steps import cluster_access


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """What a process knows of clusters is of another cloud in each test."""
    cluster_access.forget_all()
