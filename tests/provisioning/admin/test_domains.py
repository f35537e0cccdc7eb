"""Names of customers' own, for admins: whose, where they lead, and given free with a reason."""

import pytest

from portal.core import clock
from portal.core.models import AuditEvent
from provisioning.models import CustomDomain, Instance
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db
NAME = "code.acme.com"


@pytest.fixture
def domain(trial) -> CustomDomain:
    return CustomDomain.objects.create(name=NAME, instance=trial, state="elsewhere", found="www.acme.com")


def test_where_it_leads_is_listed_and_shown(adas, domain):
    for address in (listing("provisioning_customdomain"), page(domain)):
        shown = text(adas, address)
        assert NAME in shown
        assert "www.acme.com" in shown


def test_it_is_given_free_with_a_reason(adas, ada, domain):
    assert do(adas, domain, "release", reason="It is Globex'.").status_code == 302
    assert not CustomDomain.objects.exists()
    event = AuditEvent.objects.get(action="domain.release")
    assert (event.actor, event.reason, event.details["name"]) == (ada, "It is Globex'.", NAME)


def test_what_an_instance_answers_to_is_not(adas, domain):
    CustomDomain.objects.update(state="here", proved_at=clock.now())
    feature = {"name": "custom-domain", "units": 1, "values": {}, "parts": ["custom-domain"], "details": {"name": NAME}}
    Instance.objects.update(features=[feature])
    assert "/do/release/" not in text(adas, page(domain))
    do(adas, domain, "release", reason="It is Globex'.")
    assert CustomDomain.objects.exists()
