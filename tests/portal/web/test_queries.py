"""Every list takes the same number of queries, however long it is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.models import ApiToken, Role
from portal.core.tokens import token_create
from provisioning.models import Instance, Kind
from provisioning.services import instance_create
from provisioning.services.instances import Wish
from tests.conftest import member
from tests.portal.web.watching import page_of


def queries(client, page) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return len(captured)


def more_instances(acme, actor, numbers):
    for number in numbers:
        instance_create(organization=acme, wish=Wish(f"acme-{number}", Kind.PRODUCTION), actor=actor)


def test_the_list_of_instances(alices, acme, by_alice, catalogue):
    more_instances(acme, by_alice, range(1))
    few = queries(alices, "/instances/")
    more_instances(acme, by_alice, range(1, 8))
    assert queries(alices, "/instances/") == few <= 20


def test_the_list_of_instances_is_paged(alices, acme, by_alice, catalogue):
    more_instances(acme, by_alice, range(21))
    first = alices.get("/instances/").content.decode()
    assert "of 21" in first
    assert "acme-0.sourcegraph" in alices.get("/instances/?page=2").content.decode()
    assert Instance.objects.count() == 21


def test_the_list_of_members(alices, acme):
    few = queries(alices, "/organization/members/")
    for number in range(6):
        member(acme, f"n{number}@acme.example", Role.MEMBER, f"Number {number}")
    assert queries(alices, "/organization/members/") == few <= 6


def test_the_list_of_tokens(alices, acme, by_alice):
    def make(number):
        token_create(organization=acme, name=f"token {number}", scopes=["instances:read"], actor=by_alice)

    make(0)
    few = queries(alices, "/organization/tokens/")
    for number in range(1, 7):
        make(number)
    assert queries(alices, "/organization/tokens/") == few <= 6
    assert ApiToken.objects.count() == 7


@pytest.mark.parametrize("name", ["operation_detail", "operation_fragment", "operation_summary"])
def test_watching_takes_few(alices, setup, name):
    assert queries(alices, page_of(setup, name)) <= 10
