"""A program switches features on and off, within what is entitled."""

import pytest

from billing.models import OptIn
from portal.core.models import AuditEvent, Scope
from provisioning.models import Instance
from tests.billing.mirror import subscribe
from tests.portal.api.calling import problem
from tests.portal.api.test_schema import check, served

pytestmark = pytest.mark.django_db
OFFICE = {"addresses": ["203.0.113.7/24"]}


@pytest.fixture
def customers(started) -> Instance:
    """On the enterprise plan, with add-ons beside it."""
    Instance.objects.update(status="running", kind="production", trial_ends_at=None)
    instance = Instance.objects.get()
    subscribe(instance, {"enterprise-month-usd-1": 100, "static-address-month-usd-1": 1, "allow-list-month-usd-1": 1})
    return instance


def path(instance: Instance, name: str = "") -> str:
    return f"/instances/{instance.pk}/features{f'/{name}' if name else ''}"


def test_how_it_stands_with_each_is_told(acmes, customers):
    response = acmes.get(path(customers))
    check(served(), response, "get", "/instances/{instance_id}/features")
    told = {feature["name"]: feature for feature in response.json()["results"]}
    assert told["static-address"]["source"] == "add-on"
    assert (told["code-insights"]["source"], told["code-insights"]["stands"]) == ("plan", "entitled")


def test_what_is_entitled_is_switched_on_once_and_off_once(acmes, customers):
    for _again in range(2):
        response = acmes.patch(path(customers, "code-insights"), {"is_wanted": True})
        check(served(), response, "patch", "/instances/{instance_id}/features/{name}")
        assert (response.status_code, response.json()["stands"]) == (200, "changing")
    assert OptIn.objects.filter(feature="code-insights").count() == 1
    assert AuditEvent.objects.get(action="feature.opt-in").actor_label.startswith("alice@acme.example (token ")
    for _again in range(2):
        response = acmes.patch(path(customers, "code-insights"), {"is_wanted": False})
        assert (response.status_code, response.json()["is_wanted"]) == (200, False)
    assert AuditEvent.objects.filter(action="feature.opt-out").count() == 1


def test_details_are_told_and_told_anew(acmes, customers):
    own = path(customers, "allow-list")
    assert problem(acmes.patch(own, {"is_wanted": True}))["errors"] == {
        "addresses": ["Name at least one address that people come from."]
    }
    told = acmes.patch(own, {"is_wanted": True, "details": OFFICE}).json()
    assert told["details"] == {"addresses": ["203.0.113.0/24"]}
    assert acmes.patch(own, {"is_wanted": True}).json()["details"] == told["details"]
    again = acmes.patch(own, {"is_wanted": True, "details": {"addresses": ["198.51.100.4"]}}).json()
    assert again["details"] == {"addresses": ["198.51.100.4/32"]}


@pytest.mark.parametrize(
    ("name", "wish", "code"),
    [
        ("private-connectivity", {"is_wanted": True}, "conflict"),  # for sale: bought in the browser
        ("no-such", {"is_wanted": True}, "not_found"),
        ("code-insights", {"is_wanted": "perhaps"}, "invalid"),
        ("code-insights", {"on": True}, "invalid"),
    ],
)
def test_what_cannot_be_says_why(acmes, customers, name, wish, code):
    assert problem(acmes.patch(path(customers, name), wish))["code"] == code
    assert not OptIn.objects.exists()


def test_what_is_paid_for_by_itself_is_stopped_in_the_browser(acmes, customers):
    acmes.patch(path(customers, "static-address"), {"is_wanted": True})
    refused = problem(acmes.patch(path(customers, "static-address"), {"is_wanted": False}))
    assert "stopped in the browser" in refused["detail"]
    assert OptIn.objects.get().feature_id == "static-address"


def test_it_is_nobody_elses(globexs, customers):
    assert problem(globexs.get(path(customers)))["code"] == "not_found"
    assert problem(globexs.patch(path(customers, "code-insights"), {"is_wanted": True}))["code"] == "not_found"


def test_it_needs_the_scope_to_change_instances(token_of, alice, acme, customers):
    reader = token_of(alice, acme, [Scope.INSTANCES_READ])
    assert reader.get(path(customers)).status_code == 200
    assert reader.patch(path(customers, "code-insights"), {"is_wanted": True}).status_code == 403
