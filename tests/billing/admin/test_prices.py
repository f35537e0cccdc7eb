"""The price book in the admin: it shows, a button asks Google, and nobody edits."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Sync, UnitPrice
from billing.services.syncs import syncs_go_on
from portal.core.models import AuditEvent
from tests.provisioning.admin.pages import listing, page, text

pytestmark = pytest.mark.django_db
LIST = listing("billing_unitprice")


@pytest.fixture
def adas(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def test_the_list_says_what_each_thing_costs(adas, catalogue):
    shown = text(adas, LIST)
    assert "E2 core" in shown
    assert "0.02181159 USD per hour" in shown


def test_the_list_takes_as_many_queries_for_one_price_as_for_all(adas, catalogue):
    def queries(**query) -> int:
        with CaptureQueriesContext(connection) as captured:
            text(adas, LIST, **query)
        return len(captured)

    assert queries(item__exact="cluster") == queries()


def test_a_price_has_a_page_and_no_form(adas, catalogue):
    row = UnitPrice.objects.get(item="cluster")
    shown = text(adas, page(row))
    assert "0.10 USD per hour" in shown
    assert adas.post(page(row), {"nanos": 1}).status_code == 403


def test_a_button_asks_google(adas, ada, devcloud, catalogue):
    answer = adas.post(f"{LIST}do/sync/", {"reason": "A new price list."})
    assert answer["Location"] == LIST
    syncs_go_on()
    assert AuditEvent.objects.get(action="prices.change").actor == ada
    assert "e2-core in europe-west3" in text(adas, page(Sync.objects.get()))


def test_who_is_no_staff_sees_nothing(client, alice):
    client.force_login(alice)
    assert client.get(LIST).status_code != 200
