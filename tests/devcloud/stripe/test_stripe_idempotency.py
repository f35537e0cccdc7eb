"""A key stands for one deed."""

import socket
from urllib.parse import urlsplit

import pytest
import stripe

from tests.waiting import eventually


def test_the_same_call_again_gets_the_same_answer(shop):
    options = {"idempotency_key": "one-customer"}
    first = shop.api.customers.create({"email": "a@b.example"}, options)
    again = shop.api.customers.create({"email": "a@b.example"}, options)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.request_id == first.last_response.request_id
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_a_key_cannot_be_used_for_something_else(shop):
    options = {"idempotency_key": "one-product"}
    shop.api.products.create({"name": "Seats"}, options)
    with pytest.raises(stripe.IdempotencyError, match="one-product"):
        shop.api.products.create({"name": "Chairs"}, options)


def test_a_refusal_is_an_answer_like_any_other(shop):
    options = {"idempotency_key": "declined-once"}
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            shop.api.customers.create({"payment_method": "pm_card_chargeDeclined"}, options)
    assert caught.value.headers
    assert caught.value.headers["Idempotent-Replayed"] == "true"


def test_parameters_that_do_not_fit_spend_no_key(shop):
    options = {"idempotency_key": "no-name"}
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.products.create({"nome": "Seats"}, options)
    assert shop.api.products.create({"name": "Seats"}, options).name == "Seats"


def test_an_answer_that_was_lost_is_given_to_who_asks_again(devcloud, shop):
    devcloud.add_fault("products.create", "act_then_drop", service="stripe", nth=1)
    product = shop.api.products.create({"name": "Only one"})  # the SDK asks again by itself, with the same key
    devcloud.control("DELETE", "faults")
    assert product.last_response.headers["Idempotent-Replayed"] == "true"
    assert [found.name for found in shop.api.products.list({"limit": 100}).data].count("Only one") == 1


def test_a_key_is_forgotten_after_a_day(devcloud, shop):
    options = {"idempotency_key": "for-a-day"}
    first = shop.api.products.create({"name": "Seats"}, options)
    devcloud.skip(24 * 3600 + 60)
    assert shop.api.products.create({"name": "Seats"}, options).id != first.id


def test_a_key_that_is_in_flight_is_in_use(devcloud, raw):
    address = urlsplit(devcloud.http_url)
    with socket.create_connection((address.hostname, address.port)) as slow:
        head = (
            "POST /stripe/v1/products HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk_test_1\r\n"
            "Idempotency-Key: slow\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n"
            "name="
        )
        slow.sendall(head.encode())
        answer = eventually(lambda: _while_in_use(raw))
        assert answer.json()["error"]["code"] == "idempotency_key_in_use"
        slow.sendall(b"Seats")
        assert b"200 OK" in slow.recv(65536)


def _while_in_use(raw):
    answer = raw.post("/products", data={"colour": "red"}, headers={"Idempotency-Key": "slow"})
    return answer if answer.status_code == 409 else None
