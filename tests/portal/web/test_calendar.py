"""The calendar that programs subscribe to: what is in it, how it is written, and who gets it."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.core.models import AuditEvent, Membership
from portal.web.calendar_address import calendar_address, token_of
from portal.web.ical import Event, calendar
from portal.web.masking import mask_requests
from provisioning.models import Instance
from tests.portal.web.parsing import parse
from tests.provisioning.rollouts import toy_fleet

HOUR = timedelta(hours=1)


@pytest.fixture
def membership(alice) -> Membership:
    return Membership.objects.get(user=alice)


def path_of(membership) -> str:
    return reverse("calendar", args=[token_of(membership)])


def events_in(answer) -> dict[str, dict[str, str]]:
    """By title."""
    return {event["SUMMARY"]: event for event in parse(answer.content.decode())[1]}


class TestItsContent:
    def test_is_what_is_planned(self, client, membership, served, member):
        answer = client.get(path_of(membership))
        [event] = events_in(answer).values()
        assert event["SUMMARY"] == "Upgrade to 90.2.0: toy-0000"
        assert (event["DTSTART"], event["DTEND"]) == ("20261125T000000Z", "20261125T040000Z")
        assert event["STATUS"] == "TENTATIVE"
        assert event["URL"].endswith(reverse("instance_updates", args=[served.pk]))
        assert "Expected downtime: none." in event["DESCRIPTION"]
        assert event["DTSTAMP"] == event["LAST-MODIFIED"] == "20261124T120000Z"

    def test_is_what_was_done_in_the_last_ninety_days(self, client, membership, served, done):
        done(served, days=91)
        done(served, days=89, kind="rollback")
        operation = done(served, days=3, probes=312)
        done(served, days=1, kind="repair")
        events = events_in(client.get(path_of(membership)))
        assert set(events) == {"Return to 90.1.0: toy-0000", "Upgrade to 90.1.0: toy-0000"}
        event = events["Upgrade to 90.1.0: toy-0000"]
        assert (event["DTSTART"], event["DTEND"]) == ("20261121T120000Z", "20261121T121000Z")
        assert event["DESCRIPTION"] == "No downtime was seen from outside, in 312 looks."
        assert event["UID"] == f"{operation.pk}@127.0.0.1"
        assert event["STATUS"] == "CONFIRMED"

    def test_is_what_is_under_way_too(self, client, membership, served, done):
        done(served, days=0, status="running", finished_at=None)
        [event] = events_in(client.get(path_of(membership))).values()
        assert (event["DTSTART"], event["DTEND"]) == ("20261124T120000Z", "20261124T121000Z")

    def test_has_the_same_names_each_time(self, client, membership, served, member, done, noon):
        done(served)

        def names() -> list[str]:
            return sorted(event["UID"] for event in events_in(client.get(path_of(membership))).values())

        before = names()
        noon.shift(HOUR)
        assert names() == before
        assert len(set(before)) == 2

    def test_is_of_the_own_organization_only(self, client, globex, charlie, old, served, member, membership, done):
        [other] = toy_fleet.populate(globex, charlie, old, 1)
        done(other)
        assert other.slug not in client.get(path_of(membership)).content.decode()
        theirs = client.get(path_of(Membership.objects.get(user=charlie))).content.decode()
        assert served.slug not in theirs
        assert other.slug in theirs

    def test_takes_a_constant_number_of_queries(self, client, acme, alice, old, membership, served, begun, done):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path_of(membership)).status_code == 200
            return len(captured)

        more = toy_fleet.populate(acme, alice, old, 5)
        rollout = begun()
        done(served)
        rollout.members.exclude(instance=served).update(status="skipped")
        few = queries()
        rollout.members.update(status="planned")
        for instance in more:
            done(instance)
        assert queries() == few <= 20

    def test_is_empty_and_valid_without_any_instance(self, client, membership):
        assert parse(client.get(path_of(membership)).content.decode())[1] == []


class TestItsAddress:
    def test_is_on_the_page_with_the_updates(self, alices, bobs, served, membership):
        address = calendar_address(membership)
        assert address.startswith("http://127.0.0.1:8000/calendar/")
        shown = alices.get(reverse("instance_updates", args=[served.pk]))
        assert f'data-copy="{address}"' in shown.content.decode()
        assert "no-store" in shown["Cache-Control"]
        assert address not in bobs.get(reverse("instance_updates", args=[served.pk])).content.decode()

    def test_needs_no_log_in(self, membership, served):
        answer = Client().get(path_of(membership))
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert answer["Cache-Control"] == "private, max-age=300"
        assert "Set-Cookie" not in answer
        assert not answer.cookies

    def test_is_looked_at_only(self, client, membership):
        assert client.post(path_of(membership)).status_code == 405
        assert client.head(path_of(membership)).status_code == 200

    def test_cannot_be_guessed(self, client, membership, django_assert_num_queries):
        token = token_of(membership)
        other = "A" if token[-3] != "A" else "B"
        wrong = [
            f"{membership.pk + 1}{token[token.index('.') :]}", f"{token[:-3]}{other}{token[-2:]}", token[:-1],
            str(membership.pk), f"{membership.pk}.", "x", f"x{token}", "é.é", "%00",
        ]  # fmt: skip
        with django_assert_num_queries(0):
            for guess in wrong:
                assert client.get(f"/calendar/{guess}.ics").status_code == 404, guess

    def test_ends_with_the_membership_and_with_the_account(self, client, membership, alice):
        path = path_of(membership)
        alice.is_active = False
        alice.save()
        assert client.get(path).status_code == 404
        membership.delete()
        assert client.get(path).status_code == 404

    def test_is_made_anew_by_its_owner(self, client, alices, served, membership, bob):
        path, bobs_path = path_of(membership), path_of(Membership.objects.get(user=bob))
        updates = reverse("instance_updates", args=[served.pk])
        shown = alices.post(reverse("calendar_renew", args=[served.pk]), follow=True)
        assert shown.redirect_chain == [(updates, 302)]
        assert "has a new address" in shown.content.decode()
        membership.refresh_from_db()
        assert calendar_address(membership) in shown.content.decode()
        assert client.get(path).status_code == 404
        assert client.get(path_of(membership)).status_code == client.get(bobs_path).status_code == 200
        assert AuditEvent.objects.filter(action="membership.calendar-renew", object_id=membership.pk).exists()

    def test_is_another_with_another_key(self, client, membership, settings):
        path = path_of(membership)
        known, settings.SECRET_KEY = settings.SECRET_KEY, "another"
        assert client.get(path).status_code == 404
        assert path_of(membership) != path
        settings.SECRET_KEY_FALLBACKS = [known]
        assert client.get(path).status_code == 200

    def test_is_good_for_so_many_calls_an_hour(self, client, membership, bob, monkeypatch):
        monkeypatch.setattr("portal.web.views.calendars.MOST_AN_HOUR", 2)
        assert [client.get(path_of(membership)).status_code for _ in range(3)] == [200, 200, 429]
        assert client.get(path_of(membership))["Retry-After"] == "3600"
        assert client.get(path_of(Membership.objects.get(user=bob))).status_code == 200

    def test_is_in_no_log(self, client, membership, caplog, monkeypatch):
        mask_requests()
        token = token_of(membership)
        with caplog.at_level(logging.DEBUG):
            client.get(path_of(membership))
            client.get(path_of(membership), {"again": token})
            client.post(path_of(membership))
            client.get(path_of(membership).removesuffix(".ics"))
            monkeypatch.setattr("portal.web.views.calendars.calendar_of", _breaks)
            client.raise_request_exception = False
            assert client.get(path_of(membership)).status_code == 500
        said = "\n".join(f"{record.msg} {record.args}" for record in caplog.records)
        assert "/calendar/…" in said
        assert "request_failed" in said
        assert token not in said
        assert token.partition(".")[2][:20] not in said


def _breaks(*_) -> str:
    raise RuntimeError


class TestItsForm:
    def written(self, **fields) -> str:
        at = datetime(2026, 11, 24, 12, tzinfo=UTC)
        terms = {"uid": "1@x", "start": at, "end": at + HOUR, "changed_at": at, "title": "t", "text": "", "url": "u"}
        return calendar("Name", [Event(**{**terms, "is_certain": True, **fields})], HOUR)

    @pytest.mark.parametrize(
        "text",
        [
            "Plain",
            "one, two; three: four",
            r"back\slash and \n",
            "two\nlines",
            "“Äpfel” und 🍏" * 20,
            "é" * 75,
            "a" * 200,
            "x" * 66 + "🍏🍏",
            "",
        ],
    )
    def test_what_is_written_can_be_read_again(self, text):
        whole = self.written(title=text, text=text)
        [event] = parse(whole)[1]
        assert (event["SUMMARY"], event["DESCRIPTION"]) == (text, text)

    def test_lines_are_short_and_end_as_they_must(self):
        whole = self.written(title="🍏é" * 100)
        assert whole.endswith("END:VCALENDAR\r\n")
        assert "\n" not in whole.replace("\r\n", "")
        assert all(len(line.encode()) <= 75 for line in whole.split("\r\n"))
        assert max(len(line.encode()) for line in whole.split("\r\n")) >= 72

    def test_nothing_can_be_smuggled_in(self):
        whole = self.written(title="x\r\nEND:VEVENT\rBEGIN:VALARM\x00\x0b")
        assert parse(whole)[1][0]["SUMMARY"] == "x\nEND:VEVENTBEGIN:VALARM"

    def test_what_takes_no_time_has_no_end(self):
        at = datetime(2026, 11, 24, 12, tzinfo=UTC)
        assert "DTEND" not in self.written(end=at)
        assert "DTEND:20261124T120001Z" in self.written(end=at + timedelta(seconds=1))

    def test_the_name_of_the_organization_is_text(self, client, acme, membership):
        acme.name = "Acme; Söhne, KG\\"
        acme.save()
        properties, _ = parse(client.get(path_of(membership)).content.decode())
        assert properties["X-WR-CALNAME"] == "Sourcegraph updates of Acme; Söhne, KG\\"
        assert properties["VERSION"] == "2.0"
        assert re.fullmatch(r"PT\d+M", properties["REFRESH-INTERVAL"])


def test_nobody_sees_what_is_gone(client, membership, served, member):
    Instance.objects.update(status="deleted")
    assert events_in(client.get(path_of(membership))) == {}
