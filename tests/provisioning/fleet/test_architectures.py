"""The templates are collected from their folder, and each says where it came from."""

import sys

import pytest

from provisioning.fleet import architectures
from provisioning.fleet.architectures import ARCHITECTURES, NEWEST, architecture_of, is_unnoticed, leads_to
from provisioning.outcomes import Refused
from provisioning.spec import InstanceSpec
from tests.provisioning.steps.world import spec_for_tests

FILE = """
from provisioning.fleet.architectures.architecture import Architecture

ARCHITECTURE = Architecture(
    number="1.10", came_from="1.2", private_nodes=True, private_database=True, workload_identity=True,
    backup_plan=True, usage_pings=True,
)
"""


@pytest.fixture
def one_more(tmp_path, monkeypatch):
    """A file in the folder, and nothing else."""
    (tmp_path / "v1_10.py").write_text(FILE)
    (tmp_path / "notes.py").write_text("raise AssertionError")
    monkeypatch.setattr(architectures, "__path__", [*architectures.__path__, str(tmp_path)])
    yield
    sys.modules.pop(f"{architectures.__name__}.v1_10", None)


def test_they_are_in_their_order_and_the_newest_is_the_last():
    assert list(ARCHITECTURES) == ["1.0", "1.1", "1.2"]
    assert NEWEST == "1.2"
    assert [found.came_from for found in ARCHITECTURES.values()] == ["", "1.0", "1.1"]


def test_another_one_is_a_file(one_more):
    assert list(architectures.collected()) == ["1.0", "1.1", "1.2", "1.10"]


def test_ways_lead_only_forth(one_more, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "1.10", architectures.collected()["1.10"])
    assert leads_to("1.0") == ["1.1", "1.2", "1.10"]
    assert (leads_to("1.1"), leads_to("1.2"), leads_to("1.10")) == (["1.2", "1.10"], ["1.10"], [])


def test_a_move_is_unnoticed_where_neither_nodes_nor_the_database_change():
    assert is_unnoticed("1.1", "1.2")
    assert not is_unnoticed("1.0", "1.2")
    assert not is_unnoticed("1.1", "9.9")


def test_one_that_this_version_does_not_have_is_a_persons_business():
    with pytest.raises(Refused, match=r"no architecture 9\.9. Retry it with the version that has it"):
        architecture_of("9.9")


def test_operations_from_before_there_were_several_mean_the_one_there_was():
    document = spec_for_tests().as_json()
    assert InstanceSpec.from_json({**document, "architecture": 1}) == spec_for_tests(architecture="1.1")
