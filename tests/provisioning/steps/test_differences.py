"""What counts as a difference, and what is only another way of writing the same."""

import pytest

from provisioning.engine.action import Change, Refused
from provisioning.steps.differences import differences, labelled, refuse_fixed, touched

NETWORK = "projects/src-1/global/networks/sourcegraph"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (20, "20"),
        ("20", 20),
        (False, None),
        (0, None),
        ([], None),
        ({}, None),
        ({"disabled": False}, {}),
        ({"a": 1}, {"a": 1, "theirs": 2}),
        (1, 1.0),
        (["b", "a"], ["a", "b"]),
        (NETWORK, f"https://www.googleapis.com/compute/v1/{NETWORK}"),
        (NETWORK, NETWORK.replace("src-1", "123456")),
        (NETWORK, "sourcegraph"),
        ([{"name": "nat", "mode": "AUTO"}], [{"name": "nat", "mode": "AUTO", "type": "PUBLIC"}]),
        ([{"displayName": "down"}], [{"displayName": "down", "name": "conditions/1"}]),
        ([{"name": "a", "n": 1}, {"name": "b", "n": 2}], [{"name": "b", "n": 2}, {"name": "a", "n": 1}]),
    ],
)
def test_the_same_in_other_words_is_the_same(wanted, found):
    assert differences({"it": wanted}, {"it": found}) == []


@pytest.mark.parametrize(
    ("wanted", "found", "changes"),
    [
        (True, None, [Change("it", True, None)]),
        (False, True, [Change("it", False, True)]),
        ("20", "30", [Change("it", "20", "30")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Change("it.a.b", 1, 2)]),
        ({"a": {"b": 1}}, None, [Change("it.a.b", 1, None)]),
        (["a"], ["a", "b"], [Change("it", ["a"], ["a", "b"])]),
        ([{"name": "a", "n": 1}], [{"name": "a", "n": 2}], [Change("it[a].n", 1, 2)]),
        ([{"name": "a"}], [], [Change("it[a]", {"name": "a"}, None)]),
        ([], [{"name": "b"}], [Change("it[b]", None, {"name": "b"})]),
        ([{"n": 1}], [{"n": 2}], [Change("it[0].n", 1, 2)]),
        (NETWORK, NETWORK.replace("src-1", "src-2"), [Change("it", NETWORK, NETWORK.replace("src-1", "src-2"))]),
        ("/healthz", "healthz", [Change("it", "/healthz", "healthz")]),
    ],
)
def test_what_differs_is_named_leaf_by_leaf(wanted, found, changes):
    assert differences({"it": wanted}, {"it": found}) == changes


def test_an_update_mask_names_each_outermost_field_once():
    changes = [Change("labels.a", 1, 2), Change("labels.b", 1, 2), Change("nats[nat].mode", 1, 2)]
    assert touched(changes) == ["labels", "nats"]


def test_what_cannot_be_changed_is_a_persons_business():
    changes = [Change("settings.tier", "big", "small"), Change("region", "here", "there")]
    with pytest.raises(Refused, match="region is there and should be here"):
        refuse_fixed("The server", changes, ["settings.tier"], "Move it.")
    refuse_fixed("The server", changes[:1], ["settings"], "Move it.")


def test_the_labels_of_others_stay():
    assert labelled({"theirs": "x", "ours": "old"}, {"ours": "new"}) == {"theirs": "x", "ours": "new"}
