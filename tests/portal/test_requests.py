"""What holds for every request."""

import pytest
from django.http import HttpRequest, HttpResponse

from portal.middleware import address_behind_proxy


@pytest.mark.django_db
def test_a_load_balancer_is_told_that_it_serves(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [("", "10.0.0.1"), ("203.0.113.9", "203.0.113.9"), ("127.0.0.1, 203.0.113.9", "203.0.113.9")],
)
def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(forwarded, address):
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}
    answer = address_behind_proxy(lambda seen: HttpResponse(seen.META["REMOTE_ADDR"]))(request)
    assert answer.content.decode() == address
