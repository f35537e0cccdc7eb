"""The price book: as shipped, then as Google's catalogue has it; sizes follow, and the past stays."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import ProgrammingError, transaction

from billing.costs import bundled
from billing.costs.items import ITEMS
from billing.models import UnitPrice
from billing.selectors.prices import price_book, size_bill
from billing.services.prices import prices_load, prices_sync
from billing.tasks import go_on_with_syncs, sync_prices
from portal.core.models import AuditEvent
from provisioning.models import Region, Size

pytestmark = pytest.mark.django_db
NOT_IN_THE_CATALOGUE = {"backup-pod", "backup-storage"}
LATER = "2026-12-01T08:00:00Z"


def of_catalog(**fields):
    return UnitPrice.objects.filter(source="catalog", **fields)


def reprice(devcloud, item: str, nanos: int) -> None:
    """Google asks for something else for the item in us-central1 from a later day on."""
    sku = of_catalog(item=item, region="us-central1").latest("effective_at").sku
    change = {"nanos": nanos, "effective_at": datetime.fromisoformat(LATER).timestamp()}
    devcloud.control("PATCH", "snapshot", {"cloudbilling.prices": {sku: change}})


class TestAsShipped:
    def test_the_catalogue_comes_with_prices_and_sizes_have_theirs(self, catalogue):
        assert UnitPrice.objects.count() == len(bundled.NANOS)
        for size in Size.objects.all():
            assert size.infrastructure_cents == size_bill(size, price_book()).cents > 0

    def test_loading_it_again_changes_nothing(self, catalogue):
        prices_load()
        assert UnitPrice.objects.count() == len(bundled.NANOS)

    def test_a_price_that_stands_is_never_changed_or_deleted(self, catalogue):
        for change in (lambda rows: rows.update(nanos=1), lambda rows: rows.delete()):
            with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
                change(UnitPrice.objects.filter(item="cluster"))

    def test_a_size_that_changes_is_reckoned_at_once(self, catalogue):
        size = Size.objects.get(pk="s")
        before, size.node_count = size.infrastructure_cents, 2
        size.save()
        assert Size.objects.get(pk="s").infrastructure_cents == size.infrastructure_cents > before

    def test_a_size_of_unknown_parts_costs_what_a_person_entered(self, catalogue):
        Size.objects.filter(pk="s").update(machine_type="a2-highgpu-1g", infrastructure_cents=77)
        prices_load()
        assert Size.objects.get(pk="s").infrastructure_cents == 77

    def test_elsewhere_prices_are_borrowed_until_they_are_known(self, catalogue):
        book = price_book("europe-west3")
        assert book.nanos == price_book().nanos
        assert book.borrowed == bundled.NANOS.keys()
        assert not price_book().borrowed


class TestAsGoogleHasThem:
    @pytest.fixture(autouse=True)
    def day(self, devcloud, catalogue):
        """There the shipped prices hold in us-central1, and dearer ones elsewhere; they are of last week."""
        with time_machine.travel("2026-11-30T12:00:00Z") as traveller:
            yield traveller

    def test_each_item_gets_a_price_for_each_region(self, by_ada):
        synced = prices_sync(actor=by_ada)
        assert synced.problems == ()
        assert {row.item for row in synced.new} == ITEMS.keys() - NOT_IN_THE_CATALOGUE
        assert of_catalog(item="e2-core").count() == len(Region.values)

    def test_those_of_us_central1_are_as_shipped(self, by_ada):
        sizes = dict(Size.objects.values_list("pk", "infrastructure_cents"))
        prices_sync(actor=by_ada)
        assert price_book().nanos == bundled.NANOS
        assert dict(Size.objects.values_list("pk", "infrastructure_cents")) == sizes

    def test_another_region_has_prices_of_its_own_then(self, by_ada):
        prices_sync(actor=by_ada)
        book = price_book("europe-west3")
        assert book.nanos["e2-core"] == bundled.NANOS["e2-core"] * 129 // 100
        assert book.borrowed == NOT_IN_THE_CATALOGUE

    def test_asking_again_finds_nothing_new_and_is_not_audited(self, by_ada):
        prices_sync(actor=by_ada)
        assert prices_sync(actor=by_ada).new == ()
        assert AuditEvent.objects.filter(action="prices.change").count() == 1

    def test_a_new_price_is_a_new_row_and_sizes_follow(self, devcloud, by_ada):
        prices_sync(actor=by_ada)
        before = Size.objects.get(pk="s").infrastructure_cents
        reprice(devcloud, "cluster", 200_000_000)
        new = prices_sync(actor=by_ada).new
        assert {(row.item, row.nanos) for row in new} == {("cluster", 200_000_000)}
        assert {row.region for row in new} == set(Region.values)  # it costs the same everywhere
        row = next(row for row in new if row.region == "us-central1")
        then = row.effective_at + timedelta(seconds=1)
        assert price_book(at=then).nanos["cluster"] == 200_000_000
        assert price_book(at=row.effective_at - timedelta(days=1)).nanos["cluster"] == 100_000_000
        assert before == Size.objects.get(pk="s").infrastructure_cents  # the new price is of a later day

    def test_it_counts_from_the_day_that_google_names(self, devcloud, by_ada, day):
        prices_sync(actor=by_ada)
        before = Size.objects.get(pk="s").infrastructure_cents
        reprice(devcloud, "cluster", 200_000_000)
        day.move_to("2026-12-02T12:00:00Z")
        prices_sync(actor=by_ada)
        assert Size.objects.get(pk="s").infrastructure_cents == before + 7_300

    def test_what_costs_something_only_beyond_a_free_tier_has_that_price(self, by_ada):
        prices_sync(actor=by_ada)
        assert of_catalog(item="address", region="us-central1").get().nanos == 5_000_000

    def test_a_catalogue_that_cannot_be_read_changes_nothing(self, devcloud, by_ada):
        devcloud.add_fault("cloudbilling.services.skus.list", "status", status=503, nth=2)
        with pytest.raises(Exception, match="503"):
            prices_sync(actor=by_ada)
        assert not of_catalog().exists()

    def test_the_nightly_task_does_it_too(self):
        sync_prices()
        go_on_with_syncs()
        assert AuditEvent.objects.get(action="prices.change").actor_label == "daily price sync"

    def test_the_commands_tell_of_it(self, capsys):
        call_command("prices", "--sync", "--region", "europe-west2")
        printed = capsys.readouterr().out
        assert "85 new prices." in printed
        assert "(of us-central1)" in printed
        call_command("sizes")
        assert "s: " in capsys.readouterr().out
