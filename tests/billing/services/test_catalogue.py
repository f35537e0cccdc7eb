"""What is sold: plans and features come with the portal, are the admins' then, and their prices never change."""

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from billing.catalogue.shipped import FEATURES, PLANS
from billing.models import Currency, Feature, Interval, Plan, Price, Status
from billing.services.catalogue import Terms, price_retire, price_set, sold_offer, sold_retire
from billing.services.shipped import plans_load
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.fleet.features import PARTS, check_feature
from tests.billing.drafts import a_draft

pytestmark = pytest.mark.django_db
MONTHLY = Terms(Interval.MONTH)
WHY = "A new price list."


@pytest.fixture
def team(catalogue) -> Plan:
    return Plan.objects.get(pk="team")


def current(sold: Plan | Feature, terms=MONTHLY) -> Price:
    return sold.prices.get(interval=terms.interval, currency=terms.currency, retired_at__isnull=True)


class TestWhatComesWithThePortal:
    def test_plans_and_features_have_prices_for_months_and_years(self, catalogue):
        assert list(Plan.objects.values_list("name", flat=True)) == [plan["name"] for plan in PLANS]
        assert list(Feature.objects.values_list("name", flat=True)) == [feature["name"] for feature in FEATURES]
        everything: list[Plan | Feature] = [*Plan.objects.all()]
        for sold in [*everything, *Feature.objects.all()]:
            assert current(sold, Terms(Interval.YEAR)).unit_amount == 10 * current(sold).unit_amount

    def test_what_cannot_be_made_yet_is_not_sold(self, catalogue):
        ready = PARTS - {"assistant"}  # nobody has set up whom it asks
        drafts = set(Feature.objects.filter(status=Status.DRAFT).values_list("name", flat=True))
        assert drafts == {feature["name"] for feature in FEATURES if not ready.issuperset(feature.get("parts", ()))}
        assert {"batch-changes", "code-insights", "static-address", "audit-retention"}.isdisjoint(drafts)
        assert not Plan.objects.exclude(status=Status.OFFERED).exists()

    def test_what_is_sold_can_be_made(self, catalogue):
        for feature in Feature.objects.filter(status=Status.OFFERED):
            check_feature(feature.values, feature.parts)
            assert feature.values or feature.parts

    def test_nobody_can_offer_what_has_no_step(self, catalogue, by_ada):
        moon_base = a_draft()
        price_set(sold=moon_base, terms=MONTHLY, unit_amount=1_00, actor=by_ada, reason=WHY)
        with pytest.raises(Invalid, match="no step yet that makes moon-base"):
            sold_offer(sold=moon_base, actor=by_ada, reason=WHY)

    def test_every_size_is_in_a_plan_and_every_included_feature_may_be_in_it(self, catalogue):
        assert {size for plan in PLANS for size in plan["sizes"]} == {"xs", "s", "s-ha", "m", "l", "xl", "xxl"}
        for plan in Plan.objects.prefetch_related("features__plans"):
            for feature in plan.features.all():
                assert not feature.plans.exists() or plan in feature.plans.all()

    def test_loading_it_again_keeps_what_admins_have_made_of_it(self, team, by_ada):
        Plan.objects.filter(pk="team").update(title="Crew")
        price_set(sold=team, terms=MONTHLY, unit_amount=21_00, actor=by_ada, reason=WHY)
        plans_load()
        team.refresh_from_db()
        assert (team.title, current(team).unit_amount) == ("Crew", 21_00)


class TestAPrice:
    def test_is_replaced_by_another_row_and_the_former_stays_as_it_was(self, team, by_ada):
        former = current(team)
        price = price_set(sold=team, terms=MONTHLY, unit_amount=21_00, actor=by_ada, reason=WHY)
        former.refresh_from_db()
        assert (price.lookup_key, former.lookup_key) == ("team-month-usd-2", "team-month-usd-1")
        assert (former.unit_amount, former.retired_at is not None) == (19_00, True)
        event = AuditEvent.objects.get(action="price.set")
        assert (event.reason, event.details["before"], event.details["unit_amount"]) == (WHY, 19_00, 21_00)

    def test_of_another_currency_stands_beside_it(self, team, by_ada):
        price_set(sold=team, terms=Terms(Interval.MONTH, Currency.EUR), unit_amount=18_00, actor=by_ada, reason=WHY)
        assert current(team).unit_amount == 19_00

    def test_that_is_the_same_is_refused(self, team, by_ada):
        with pytest.raises(Conflict, match="already"):
            price_set(sold=team, terms=MONTHLY, unit_amount=19_00, actor=by_ada, reason=WHY)

    @pytest.mark.parametrize("unit_amount", [0, -1, 100_000_000])
    def test_that_stripe_would_not_take_is_refused(self, team, by_ada, unit_amount):
        with pytest.raises(Invalid, match="minor units") as raised:
            price_set(sold=team, terms=MONTHLY, unit_amount=unit_amount, actor=by_ada, reason=WHY)
        assert raised.value.field == "unit_amount"

    @pytest.mark.parametrize("change", [{"unit_amount": 1}, {"currency": "eur"}, {"interval": "year"}])
    def test_is_never_changed_in_the_database(self, team, change):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            Price.objects.filter(pk=current(team).pk).update(**change)

    def test_of_a_thing_is_one_at_a_time_in_the_database(self, team):
        with pytest.raises(IntegrityError), transaction.atomic():
            Price.objects.create(lookup_key="x", plan=team, interval="month", currency="usd", unit_amount=1)

    def test_is_of_a_plan_or_of_a_feature(self, team):
        both = {"plan": team, "feature": Feature.objects.first()}
        for owner in ({}, both):
            with pytest.raises(IntegrityError), transaction.atomic():
                Price.objects.create(lookup_key="x", interval="month", currency="eur", unit_amount=1, **owner)

    def test_is_retired_once(self, team, by_ada):
        price = current(team)
        price_retire(price=price, actor=by_ada, reason=WHY)
        with pytest.raises(Conflict, match="already"):
            price_retire(price=price, actor=by_ada, reason=WHY)


class TestWhatIsSold:
    def test_is_retired_and_offered_again(self, team, by_ada):
        assert sold_retire(sold=team, actor=by_ada, reason=WHY).status == Status.RETIRED
        with pytest.raises(Conflict, match="retired already"):
            sold_retire(sold=team, actor=by_ada, reason=WHY)
        assert sold_offer(sold=team, actor=by_ada, reason=WHY).status == Status.OFFERED
        with pytest.raises(Conflict, match="offered already"):
            sold_offer(sold=team, actor=by_ada, reason=WHY)
        assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"plan.retired", "plan.offered"}

    def test_is_not_offered_without_a_price(self, catalogue, by_ada):
        plan = Plan.objects.create(name="solo", title="Solo", description="For one.", position=99)
        with pytest.raises(Invalid, match="no price"):
            sold_offer(sold=plan, actor=by_ada, reason=WHY)
