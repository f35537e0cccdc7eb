"""A catalogue is compared by a worker: once at a time, told as sentences, taken over from a worker that died."""

from datetime import timedelta

import pytest

from billing.models import Sync
from billing.services.syncs import LEASE, sync_request, syncs_go_on
from portal.core import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
KIND = Sync.Kind.CATALOGUE


@pytest.fixture(autouse=True)
def _stripe(devcloud, settings, catalogue):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_portal", f"{devcloud.http_url}/stripe"


def test_two_requests_are_one_run(by_ada):
    first, second = (sync_request(KIND, actor=by_ada, reason="A new price list.") for _ in range(2))
    assert first == second
    assert syncs_go_on() == 1
    first.refresh_from_db()
    assert (first.status, len(first.changes), first.problems) == ("done", 39, [])
    assert first.finished_at


def test_a_run_that_is_over_is_followed_by_another(by_ada):
    first = sync_request(KIND, actor=by_ada)
    syncs_go_on()
    assert sync_request(KIND, actor=by_ada) != first


def test_what_stripe_does_not_answer_is_told_and_the_next_run_completes_it(devcloud, by_ada):
    devcloud.add_fault("products.create", "status", service="stripe", status=500, **{"from": 3})
    failed = sync_request(KIND, actor=by_ada)
    syncs_go_on()
    failed.refresh_from_db()
    assert failed.status == "failed"
    assert failed.problems[0].startswith("Stripe is away: ")
    assert failed.problems[0].endswith("What was done so far stays.")
    devcloud.control("DELETE", "faults")
    again = sync_request(KIND, actor=by_ada)
    syncs_go_on()
    again.refresh_from_db()
    assert (again.status, len(again.changes)) == ("done", 37)


def test_what_nobody_foresaw_is_told_too_and_is_not_run_forever(by_ada, settings):
    settings.STRIPE_API_BASE = 5  # no address at all
    sync_request(KIND, actor=by_ada)
    assert syncs_go_on() == 1
    assert Sync.objects.get().status == "failed"


def test_a_dead_workers_run_is_taken_over_once_its_lease_is_over(by_ada):
    sync = sync_request(KIND, actor=by_ada)
    Sync.objects.update(status="running", lease_until=clock.now() + LEASE)
    assert syncs_go_on() == 0
    Sync.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert syncs_go_on() == 1
    sync.refresh_from_db()
    assert sync.status == "done"
