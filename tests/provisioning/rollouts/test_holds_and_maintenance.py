"""Holds, channels and windows."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail as outbox
from django.template.loader import render_to_string

from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.models import AuditEvent, Mail
from provisioning.models import Hold, Instance
from provisioning.services.holds import hold_begin, hold_end, holds_report
from provisioning.services.maintenance import maintenance_set, time_zones

UNTIL = datetime(2026, 12, 3, tzinfo=UTC)


@pytest.fixture
def instance(populate) -> Instance:
    instance: Instance
    [instance] = populate(1)
    return instance


class TestAHold:
    def test_lasts_until_somebody_ends_it(self, instance, by_ada):
        hold = hold_begin(instance=instance, until=UNTIL, reason="The audit.", actor=by_ada)
        with pytest.raises(Conflict, match="held already"):
            hold_begin(instance=instance, until=UNTIL, reason="Another.", actor=by_ada)
        hold_end(hold=hold, actor=by_ada, reason="It is over.")
        with pytest.raises(Conflict, match="ended already"):
            hold_end(hold=hold, actor=by_ada)
        events = AuditEvent.objects.filter(object_type="hold").order_by("pk")
        assert [(event.action, event.reason) for event in events] == [
            ("hold.begin", "The audit."),
            ("hold.end", "It is over."),
        ]
        assert events[0].organization_id == instance.organization_id
        assert hold_begin(instance=instance, until=UNTIL, reason="Again.", actor=by_ada)

    @pytest.mark.parametrize(
        ("wish", "says"),
        [({"reason": " "}, "Say why"), ({"until": datetime(2026, 11, 1, tzinfo=UTC)}, "in the future")],
    )
    def test_needs_a_reason_and_an_end(self, instance, by_ada, wish, says):
        with pytest.raises(Invalid, match=says):
            hold_begin(instance=instance, actor=by_ada, **({"until": UNTIL, "reason": "The audit."} | wish))

    def test_pins_to_nothing_that_the_instance_is_beyond(self, populate, old, new, by_ada):
        [ahead] = populate(1, release=new)
        with pytest.raises(Invalid, match=r"newer than 5\.11\.0"):
            hold_begin(instance=ahead, until=UNTIL, reason="The audit.", release=old, actor=by_ada)

    def test_past_its_day_is_told_of_once(self, instance, by_ada, ada, clock):
        hold_begin(instance=instance, until=UNTIL, reason="The audit.", actor=by_ada)
        assert holds_report() == 0
        clock.move_to("2026-12-04T00:00:00Z")
        assert [holds_report(), holds_report()] == [1, 1]
        letter = Mail.objects.get(kind="holds-overdue")
        assert letter.recipient == ada.email
        text = render_to_string("mail/holds-overdue.txt", letter.context | {"admin_link": "https://portal/admin"})
        assert "toy-0000 (Acme), held until 2026-12-03: The audit." in text
        assert Hold.objects.get().ended_at is None


class TestMaintenance:
    def ask(self, instance, actor, **wish) -> Instance:
        terms: dict[str, Any] = {"channel": "early", "weekday": 6, "hour": 2, "time_zone": "Europe/Berlin"} | wish
        return maintenance_set(instance=instance, actor=actor, **terms)

    def test_is_what_its_people_choose(self, instance, by_alice):
        row = self.ask(instance, by_alice)
        assert (row.channel, row.maintenance_weekday, row.maintenance_hour, row.time_zone) == (
            "early", 6, 2, "Europe/Berlin",
        )  # fmt: skip
        self.ask(instance, by_alice)
        [event] = AuditEvent.objects.filter(action="instance.maintenance")
        assert event.details["changes"]["channel"] == ["stable", "early"]

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"channel": "wild"}, "channel"),
            ({"weekday": 7}, "weekday"),
            ({"hour": 24}, "hour"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"time_zone": "../etc/passwd"}, "time_zone"),
        ],
    )
    def test_is_one_of_what_there_is(self, instance, by_alice, wish, field):
        with pytest.raises(Invalid) as refused:
            self.ask(instance, by_alice, **wish)
        assert refused.value.field == field

    @pytest.mark.parametrize("channel", ["insiders", "paused"])
    def test_leaves_some_channels_to_us(self, instance, by_alice, by_ada, channel):
        with pytest.raises(Forbidden):
            self.ask(instance, by_alice, channel=channel)
        assert self.ask(instance, by_ada, channel=channel).channel == channel
        if channel == "paused":
            with pytest.raises(Forbidden, match="We have paused"):
                self.ask(instance, by_alice)
        assert self.ask(instance, by_alice, channel=channel, hour=5).maintenance_hour == 5

    def test_zones_to_choose_from_are_places(self):
        assert {"UTC", "Europe/Berlin", "Asia/Tokyo"} <= set(time_zones())
        assert "Etc/GMT+5" not in time_zones()


@pytest.mark.parametrize("ending", ["subject.txt", "txt", "html"])
@pytest.mark.parametrize(
    ("kind", "context"),
    [
        ("rollout-paused", {"brings": "5.12.0", "stage": "10 %", "because": "1 of 2 have failed."}),
        (
            "holds-overdue",
            {"holds": [{"name": "5.12.0", "organization": "Acme", "until": "2026-12-03", "reason": "?"}]},
        ),
    ],
)
def test_mails_can_be_written(kind, context, ending):
    assert "5.12.0" in render_to_string(f"mail/{kind}.{ending}", context | {"admin_link": "https://portal/admin"})
    assert not outbox.outbox
