"""Who of our own people may decide what."""

import pytest
from django.contrib.auth.models import Group

from portal.core.mail_domains import is_free_domain, parents_of
from portal.core.rights import SALES_MANAGERS, is_manager, is_ours

pytestmark = pytest.mark.django_db


def test_the_group_of_managers_is_there():
    assert Group.objects.filter(name=SALES_MANAGERS).count() == 1


def test_a_superuser_is_a_manager_and_sales_alone_is_not(ada, sam, alice):
    assert [is_manager(person) for person in (ada, sam, alice, None)] == [True, False, False, False]


def test_one_of_sales_in_the_group_is_a_manager_and_a_customer_in_it_is_not(sam, alice):
    for person in (sam, alice):
        person.groups.add(Group.objects.get(name=SALES_MANAGERS))
    assert (is_manager(sam), is_manager(alice)) == (True, False)


def test_who_has_left_decides_nothing(ada, sam):
    ada.is_active = sam.is_active = False
    assert not any((is_manager(ada), is_ours(ada), is_ours(sam)))


def test_sales_and_admins_are_ours_and_customers_are_not(ada, sam, alice):
    assert [is_ours(person) for person in (ada, sam, alice, None)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("domain", "above"),
    [
        ("acme.example", []),
        ("eu.acme.example", ["acme.example"]),
        ("a.eu.acme.example", ["eu.acme.example", "acme.example"]),
        ("shop.gmail.com", []),
        ("localhost", []),
    ],
)
def test_the_domains_above_one_could_be_its_companys(domain, above):
    assert parents_of(domain) == above


def test_a_free_domain_is_nobodys():
    assert [is_free_domain(domain) for domain in ("gmail.com", "yahoo.co.uk", "acme.example")] == [True, True, False]
