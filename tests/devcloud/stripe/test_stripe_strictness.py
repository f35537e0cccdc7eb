"""What Stripe refuses is refused, in Stripe's words."""

import httpx
import pytest
import stripe

from tests.devcloud.stripe.shop import Shop


def refusal(answer: httpx.Response):
    error = answer.json()["error"]
    return answer.status_code, error["type"], error.get("code"), error.get("param")


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("products", {"name": "Seats", "colour": "red"}, ("parameter_unknown", "colour")),
        ("products", {}, ("parameter_missing", "name")),
        ("products", {"name": ""}, ("parameter_invalid_empty", "name")),
        ("products", {"name": "Seats", "active": "perhaps"}, (None, "active")),
        (
            "prices",
            {"currency": "usd", "product": "p", "unit_amount": "ten"},
            ("parameter_invalid_integer", "unit_amount"),
        ),
        (
            "prices",
            {"currency": "usd", "product": "p", "unit_amount": "1", "recurring[interval]": "fortnight"},
            (None, "recurring[interval]"),
        ),
        ("prices", {"currency": "usd", "product": "p", "recurring": "monthly"}, (None, "recurring")),
        ("subscriptions", {"customer": "c", "items[0][prise]": "p"}, ("parameter_unknown", "items[0][prise]")),
        ("subscriptions", {"customer": "c", "items": "p"}, (None, "items")),
        ("subscriptions", {"customer": "c", "collection_method": "barter"}, (None, "collection_method")),
        ("customers", {"metadata": "text"}, (None, "metadata")),
        ("webhook_endpoints", {"url": "http://a.b", "enabled_events[]": "tea.ready"}, (None, "enabled_events[0]")),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(raw, path, form, expected):
    status, kind, code, param = refusal(raw.post(f"/{path}", data=form))
    assert (status, kind) == (400, "invalid_request_error")
    assert (code, param) == expected


def test_the_words_of_an_enumeration_are_listed(raw):
    answer = raw.post("/subscriptions", data={"customer": "c", "collection_method": "barter"})
    message = "Invalid collection_method: must be one of charge_automatically or send_invoice"
    assert answer.json()["error"]["message"] == message


def test_an_unknown_query_parameter_is_refused_too(raw):
    assert refusal(raw.get("/prices?colour=red")) == (400, "invalid_request_error", "parameter_unknown", "colour")


def test_what_devcloud_cannot_do_is_refused_and_not_ignored(shop):
    with pytest.raises(
        stripe.InvalidRequestError, match="devcloud does not implement the parameter package_dimensions"
    ):
        shop.api.products.create(
            {"name": "Box", "package_dimensions": {"height": 1.0, "length": 1.0, "weight": 1.0, "width": 1.0}}
        )


def test_an_unknown_id_is_missing(shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.customers.retrieve("cus_nobody")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert caught.value.user_message == "No such customer: 'cus_nobody'"


def test_an_address_that_is_none_is_said_to_be_none(raw):
    answer = raw.get("/teapots")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Unrecognized request URL (GET: /v1/teapots)."


@pytest.mark.parametrize("key", ["pk_test_1", "sk_live_1", "secret"])
def test_only_secret_test_keys_open_the_door(devcloud, key):
    other = Shop(devcloud, key)
    with pytest.raises(stripe.AuthenticationError):
        other.api.products.list()
    other.close()


def test_the_key_may_come_as_basic_authentication(devcloud):
    address = f"{devcloud.http_url}/stripe/v1/account"
    assert httpx.get(address, auth=("sk_test_1", ""), trust_env=False).status_code == 200
    assert httpx.get(address, trust_env=False).status_code == 401


def test_each_answer_has_an_id_and_says_its_version(shop):
    answer = shop.api.accounts.retrieve_current().last_response
    assert answer.request_id.startswith("req_")
    assert answer.headers["Stripe-Version"] == stripe.api_version


def test_faults_are_injected_by_method(devcloud, shop):
    rule = devcloud.add_fault("products.list", "status", service="stripe", status=402, reason="card_declined", nth=1)
    with pytest.raises(stripe.CardError):
        shop.api.products.list()
    assert devcloud.control("GET", "faults")["faults"][0]["id"] == rule
    devcloud.control("DELETE", "faults")
    assert shop.api.products.list().object == "list"
