import pytest

from provisioning.engine.graph import OnFailure, longest_path, order
from tests.provisioning.engine.world import World, diamond


def test_the_longest_path_is_what_the_whole_takes():
    needs = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    assert longest_path(needs, {"a": 1, "b": 2, "c": 5, "d": 1}) == (["a", "c", "d"], 7)


def test_an_empty_graph_takes_no_time():
    assert longest_path({}, {}) == ([], 0)


def test_an_unknown_need_is_refused():
    nodes = diamond(World(), OnFailure.KEEP).nodes[1:]
    with pytest.raises(ValueError, match="not in the table: ground"):
        order(nodes)


def test_who_needed_a_left_out_step_needs_what_that_one_needed():
    from dataclasses import replace

    workflow = diamond(World(), OnFailure.KEEP)
    dedicated = frozenset({"dedicated"})
    nodes = tuple(replace(n, tenancies=dedicated) if n.name in {"left", "right"} else n for n in workflow.nodes)
    left_out = replace(workflow, nodes=nodes).for_tenancy("byok")
    assert {node.name: node.needs for node in left_out} == {"ground": (), "roof": ("ground",)}
