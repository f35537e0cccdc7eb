"""Who is no customer is known by an address that only the portal can make."""

import pytest

from portal.core import synthetic
from portal.core.audit import Actor
from portal.core.services import organization_create
from tests.conftest import person


@pytest.fixture
def address(settings) -> str:
    settings.CANARY_EMAIL_DOMAIN = "canary.example"
    return synthetic.address_of(synthetic.new_name())


def test_an_address_of_ours_is_known_and_short_enough_for_mail(address):
    assert synthetic.is_synthetic(address)
    assert synthetic.is_synthetic(address.upper())
    assert len(address.partition("@")[0]) <= 64


@pytest.mark.parametrize("forged", ["gina@canary.example", "canary-1-2@canary.example", "canary@canary.example"])
def test_a_stranger_at_the_same_domain_is_a_customer(address, forged):
    assert not synthetic.is_synthetic(forged)


def test_the_proof_is_good_for_that_name_and_domain_alone(address, settings):
    name = address.partition("@")[0]
    assert not synthetic.is_synthetic(f"x{address}")
    assert not synthetic.is_synthetic(f"{name}@other.example")
    settings.CANARY_EMAIL_DOMAIN = ""
    assert not synthetic.is_synthetic(address)
    assert not synthetic.is_synthetic(f"{name}@")


def test_it_depends_on_our_key(address, settings):
    settings.SECRET_KEY = "another one"
    assert not synthetic.is_synthetic(address)


def test_its_organization_is_marked_and_others_are_not(db, address):
    for email, expected in ((address, True), ("gina@canary.example", False)):
        founder = person(email)
        assert organization_create(name=email, actor=Actor(founder, email)).is_synthetic is expected
