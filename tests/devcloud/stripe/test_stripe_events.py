"""Events: signed, sent, sent again, held back, reordered, lost, doubled, never made."""

import json
from typing import Any

import pytest
import stripe

from tests.devcloud.stripe.shop import types
from tests.waiting import eventually


def deliveries(shop, **wanted) -> list[Any]:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    return list(shop.control("GET", f"deliveries?{query}")["deliveries"])


def rule(shop, act, kind, **more):
    shop.control("POST", "rules", {"act": act, "type": kind, **more})


def test_an_event_is_signed_and_tells_what_has_changed(shop, receiver):
    product = shop.api.products.create({"name": "Seats"})
    options = {"idempotency_key": "rename-seats"}
    shop.api.products.update(product.id, {"name": "Chairs"}, options)
    [event] = receiver.wait_for("product.updated")
    assert event.data.object.name == "Chairs"
    assert event.data.previous_attributes["name"] == "Seats"
    assert (event.api_version, event.request.idempotency_key) == (stripe.api_version, "rename-seats")


def test_a_payload_that_was_touched_has_no_valid_signature(shop, receiver):
    shop.api.products.create({"name": "Seats"})
    receiver.wait_for("product.created")
    payload, header = receiver.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.verify(payload.replace(b"Seats", b"Boats"), header)


def test_a_subscription_tells_its_story(shop, receiver):
    subscription = shop.subscribe(shop.customer(), shop.price())
    shop.api.subscriptions.cancel(subscription.id)
    receiver.wait_for("customer.subscription.deleted")
    wanted = {
        "customer.created", "payment_method.attached", "customer.updated", "customer.subscription.created",
        "customer.subscription.updated", "invoice.created", "invoice.finalized", "invoice.paid",
        "invoice.payment_succeeded", "charge.succeeded", "payment_intent.succeeded", "customer.subscription.deleted",
    }  # fmt: skip
    assert eventually(lambda: wanted <= set(types(receiver)))
    became = receiver.wait_for("customer.subscription.updated")[0]
    assert became.data.previous_attributes["status"] == "incomplete"


def test_an_endpoint_gets_only_what_it_wants(shop, receiver):
    shop.api.webhook_endpoints.update(receiver.endpoint, {"enabled_events": ["price.created"]})
    shop.price()
    receiver.wait_for("price.created")
    assert types(receiver) == ["price.created"]


def test_a_disabled_endpoint_gets_nothing(shop, receiver):
    assert shop.api.webhook_endpoints.update(receiver.endpoint, {"disabled": True}).status == "disabled"
    product = shop.api.products.create({"name": "Unheard"})
    [event] = shop.events("product.created", product)
    assert (event.pending_webhooks, deliveries(shop, event=event.id)) == (0, [])


def test_the_secret_is_told_once(shop, receiver):
    assert receiver.secret.startswith("whsec_")
    assert "secret" not in shop.api.webhook_endpoints.retrieve(receiver.endpoint)


def test_who_does_not_answer_well_is_told_again(shop, receiver):
    receiver.answers = [500, 302]
    product = shop.api.products.create({"name": "Seats"})
    assert eventually(lambda: types(receiver).count("product.created") == 3)
    [event] = shop.events("product.created", product)
    [delivery] = eventually(lambda: deliveries(shop, event=event.id, state="delivered"))
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 302, 200]
    assert len({json.loads(payload)["id"] for payload, _header in receiver.received}) == 1


def test_what_has_not_arrived_can_be_asked_for(shop, receiver):
    rule(shop, "drop", "product.created")
    product = shop.api.products.create({"name": "Lost"})
    arrived = shop.api.products.update(product.id, {"name": "Found"})
    receiver.wait_for("product.updated")
    missed = eventually(lambda: _undelivered(shop))
    assert [event.data.object["id"] for event in missed if event.type == "product.created"][:1] == [arrived.id]
    [delivery] = deliveries(shop, state="dropped", event=missed[0].id)
    shop.control("POST", f"deliveries/{delivery['id']}/redeliver")
    assert [event.data.object["name"] for event in receiver.wait_for("product.created")] == ["Lost"]
    assert shop.api.events.retrieve(missed[0].id).pending_webhooks == 0


def _undelivered(shop):
    found = shop.api.events.list({"delivery_success": False, "types": ["product.created", "product.updated"]})
    return [event for event in found.data if event.type == "product.created"]


def test_events_can_be_held_back_and_come_in_another_order(shop, receiver):
    rule(shop, "hold", "product.*")
    product = shop.api.products.create({"name": "One"})
    for name in ("Two", "Three"):
        shop.api.products.update(product.id, {"name": name})
    held = eventually(lambda: found if len(found := deliveries(shop, state="held")) == 3 else [])
    assert receiver.events() == []
    order = [held[2]["id"], held[0]["id"], held[1]["id"]]
    shop.control("POST", "release", {"deliveries": order})
    assert [event.data.object["name"] for event in receiver.events()] == ["Three", "One", "Two"]


def test_what_is_held_can_come_backwards(shop, receiver):
    rule(shop, "hold", "product.created")
    for name in ("One", "Two"):
        shop.api.products.create({"name": name})
    shop.control("POST", "release", {"order": "reversed"})
    assert [event.data.object["name"] for event in receiver.events("product.created")] == ["Two", "One"]


def test_an_event_can_come_twice(shop, receiver):
    rule(shop, "duplicate", "product.created", nth=1)
    for name in ("One", "Two"):
        shop.api.products.create({"name": name})
    names = [event.data.object["name"] for event in receiver.wait_for("product.created", 3)]
    assert sorted(names) == ["One", "One", "Two"]


def test_an_event_can_be_never_made(shop, receiver):
    rule(shop, "mute", "product.created", nth=2)
    products = [shop.api.products.create({"name": name}) for name in ("One", "Two", "Three")]
    receiver.wait_for("product.created", 2)
    assert [len(shop.events("product.created", product)) for product in products] == [1, 0, 1]


def test_while_a_secret_is_rolled_both_sign(shop, receiver, devcloud):
    rolled = shop.control("POST", f"endpoints/{receiver.endpoint}/rotate", {"overlap_seconds": 3600})
    shop.api.products.create({"name": "Both"})
    receiver.wait_for("product.created")
    payload, header = receiver.received[-1]
    assert header.count("v1=") == 2
    assert stripe.Webhook.construct_event(payload, header, rolled["secret"]).data.object.name == "Both"
    devcloud.skip(3601)
    shop.api.products.create({"name": "New only"})
    eventually(lambda: len(receiver.received) == 2)
    payload, header = receiver.received[-1]
    assert header.count("v1=") == 1
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.verify(payload, header)


@pytest.mark.parametrize("form", [{"act": "shout"}, {"act": "hold", "nth": 0}, {"act": "hold", "kind": "x"}])
def test_a_rule_that_makes_no_sense_is_refused(raw, devcloud, form):
    answer = raw.post(f"{devcloud.http_url}/_control/stripe/rules", json=form)
    assert answer.status_code == 400
    assert answer.json()["error"]
