import pytest

from provisioning.fleet.versions import is_newer, is_well_formed, kind_after, order


def test_versions_are_sorted_as_people_do():
    versions = ["5.9.0", "5.10.0-rc.1", "5.10.0-rc.2", "5.10.0-rc.10", "5.10.0", "5.10.1", "6.0.0"]
    assert sorted(sorted(versions), key=order) == versions


def test_one_is_newer_than_those_before():
    assert is_newer("5.10.0", "5.9.9")
    assert not is_newer("5.10.0", "5.10.0")
    assert not is_newer("5.10.0-rc.1", "5.10.0")


@pytest.mark.parametrize("version", ["5.11.0", "6.0.0-rc.1", "10.20.30-beta"])
def test_a_version_has_three_numbers_and_perhaps_a_suffix(version):
    assert is_well_formed(version)


@pytest.mark.parametrize("version", ["", "5", "5.11", "v5.11.0", "5.11.0-", "5.11.0 ", "5.11.x", "latest", "5.11.0\n"])
def test_nothing_else_is_one(version):
    assert not is_well_formed(version)


@pytest.mark.parametrize(
    ("version", "before", "kind"),
    [
        ("6.0.0", "5.14.2", "major"),
        ("5.15.0", "5.14.2", "minor"),
        ("5.14.3", "5.14.2", "patch"),
        ("5.14.2", "5.14.2-rc.1", "patch"),
        ("6.0.0", None, "major"),
        ("5.14.0", None, "minor"),
        ("5.14.2", None, "patch"),
    ],
)
def test_the_first_number_that_differs_tells_the_kind(version, before, kind):
    assert kind_after(version, before) == kind
