"""What was there before a restart is there after it, and goes on."""

from tests.devcloud.stripe.shop import DAY, Receiver, Shop
from tests.stack.devcloud import running_devcloud
from tests.waiting import eventually


def test_a_restart_forgets_nothing(tmp_path):
    receiver = Receiver()
    with running_devcloud(tmp_path) as devcloud:
        shop = Shop(devcloud)
        endpoint = shop.api.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["product.created"]})
        receiver.secret = endpoint.secret
        subscription = shop.subscribe(shop.customer(), shop.price(), trial_period_days=10)
        key = {"idempotency_key": "before-the-restart"}
        product = shop.api.products.create({"name": "Kept"}, key)
        receiver.answers = [500] * 3
        shop.api.products.create({"name": "Told later"})
        shop.close()
    with running_devcloud(tmp_path) as devcloud:
        shop = Shop(devcloud)
        assert shop.api.products.create({"name": "Kept"}, key).id == product.id
        eventually(lambda: any(event.data.object["name"] == "Told later" for event in receiver.events()))
        devcloud.skip(11 * DAY)
        eventually(lambda: shop.subscription(subscription).status == "active")
        eventually(lambda: shop.invoices(subscription)[-1].status == "paid")
        shop.close()
    receiver.stop()
