"""Releases are imported, published, widened and withdrawn."""

import threading

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Channel, Chart, Kind, Release
from provisioning.selectors.releases import newest_for
from provisioning.services import instance_create, trial_start
from provisioning.services.instances import Wish
from provisioning.services.releases import (
    Terms,
    release_import,
    release_publish,
    release_widen,
    release_withdraw,
    wider_than,
)
from tests.conftest import chart_of_ours, release

VERSION = "5.12.0"


def newest(channel: str) -> str:
    found = newest_for(channel)
    return found.app_version if found else ""


@pytest.fixture
def draft(by_ada) -> Release:
    return release_import(app_version=VERSION, actor=by_ada)


@pytest.fixture
def other_chart(tmp_path) -> str:
    """A reference to it."""
    (tmp_path / "Chart.yaml").write_text("name: other\nversion: 0.1.0\n")
    return str(tmp_path)


class TestAnImport:
    def test_makes_a_draft_with_the_chart_of_the_settings(self, draft, by_ada):
        draft.refresh_from_db()
        assert (draft.status, draft.kind, draft.channel) == ("draft", "minor", "stable")
        assert (draft.schema_is_compatible, draft.minimum_version) == (True, "")
        assert draft.chart.pk == chart_of_ours().digest
        assert draft.chart_version == chart_of_ours().version
        event = AuditEvent.objects.get(action="release.import")
        assert (event.actor, event.object_id) == (by_ada.user, str(draft.pk))
        assert event.details["version"] == VERSION
        assert event.details["digest"] == draft.chart_id

    def test_takes_what_is_said_of_it(self, by_ada, other_chart):
        terms = Terms(
            kind="patch", notes=" Faster. ", minimum_version="5.11.0", schema_is_compatible=False, channel="early"
        )
        made = release_import(app_version=VERSION, chart=other_chart, chart_version="0.1.0", terms=terms, actor=by_ada)
        assert (made.kind, made.notes, made.minimum_version, made.channel) == ("patch", "Faster.", "5.11.0", "early")
        assert not made.schema_is_compatible
        assert made.chart
        assert (made.chart.name, made.chart.source, made.chart_version) == ("other", other_chart, "0.1.0")

    @pytest.mark.parametrize(
        ("version", "kind", "compatible"),
        [("6.0.0", "major", False), ("5.12.0", "minor", True), ("5.11.1", "patch", True), ("5.10.9", "patch", True)],
    )
    def test_tells_the_kind_by_the_version_before(self, by_ada, version, kind, compatible):
        release("5.10.0")
        made = release_import(app_version=version, actor=by_ada)
        assert (made.kind, made.schema_is_compatible) == (kind, compatible)

    def test_of_a_kind_that_was_said_is_as_compatible_as_that(self, by_ada):
        assert not release_import(app_version=VERSION, terms=Terms(kind="major"), actor=by_ada).schema_is_compatible

    def test_of_the_same_again_changes_nothing(self, draft, by_ada):
        again = release_import(app_version=VERSION, terms=Terms(notes="Other words."), actor=by_ada)
        assert again == draft
        assert again.notes == ""
        assert AuditEvent.objects.filter(action="release.import").count() == 1

    def test_of_the_same_version_with_another_chart_is_refused(self, draft, by_ada, other_chart):
        with pytest.raises(Conflict, match="imported with another chart"):
            release_import(app_version=VERSION, chart=other_chart, actor=by_ada)
        draft.refresh_from_db()
        assert draft.chart_id == chart_of_ours().digest

    def test_gives_a_release_of_before_its_chart(self, by_ada):
        known = Release.objects.create(app_version=VERSION, chart_version="?", kind="minor", notes="Known.")
        assert release_import(app_version=VERSION, actor=by_ada) == known
        known.refresh_from_db()
        assert (known.chart_id, known.notes) == (chart_of_ours().digest, "Known.")
        assert AuditEvent.objects.filter(action="release.import").exists()

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"app_version": "next"}, "app_version"),
            ({"app_version": "1.2." + "3" * 40}, "app_version"),
            ({"chart": "/nowhere"}, "chart"),
            ({"chart_version": "9.9.9"}, "chart_version"),
            ({"terms": Terms(kind="huge")}, "kind"),
            ({"terms": Terms(channel="paused")}, "channel"),
            ({"terms": Terms(minimum_version="5")}, "minimum_version"),
            ({"terms": Terms(minimum_version="5.12.0")}, "minimum_version"),
        ],
    )
    def test_of_nonsense_is_refused(self, by_ada, wish, field):
        before = Chart.objects.count()
        with pytest.raises(Invalid) as refused:
            release_import(**{"app_version": VERSION, "actor": by_ada, **wish})
        assert refused.value.field == field
        assert not Release.objects.filter(app_version=VERSION).exists()
        assert Chart.objects.count() == before

    def test_fills_the_version_into_the_reference(self, by_ada, settings, other_chart):
        settings.CHART = other_chart.replace(other_chart[-4:], "{version}")
        with pytest.raises(Invalid, match=r"There is no chart at .*5\.12\.0"):
            release_import(app_version=VERSION, actor=by_ada)

    @pytest.mark.django_db(transaction=True)
    def test_at_the_same_time_makes_one(self, by_ada):
        made, barrier = list[Release](), threading.Barrier(3)

        def ask() -> None:
            try:
                barrier.wait()
                made.append(release_import(app_version=VERSION, actor=by_ada))
            finally:
                connection.close()

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({each.pk for each in made}) == 1
        assert len(made) == 3
        assert AuditEvent.objects.filter(action="release.import").count() == 1


class TestPublishing:
    def test_offers_it_to_its_channel(self, draft, by_ada):
        assert newest("stable") == "5.11.0"
        published = release_publish(release=draft, actor=by_ada, reason="Tested.")
        assert newest_for("stable") == published
        event = AuditEvent.objects.get(action="release.publish")
        assert (event.actor, event.reason, event.details) == (by_ada.user, "Tested.", {"channel": "stable"})

    def test_may_name_another_channel(self, draft, by_ada):
        release_publish(release=draft, channel="early", actor=by_ada)
        assert newest("early") == VERSION
        assert newest("stable") == "5.11.0"

    def test_is_for_drafts_with_a_chart(self, draft, by_ada):
        release_publish(release=draft, actor=by_ada)
        with pytest.raises(Conflict, match="is published already"):
            release_publish(release=draft, actor=by_ada)
        with pytest.raises(Conflict, match="has no chart yet"):
            release_publish(
                release=Release.objects.create(app_version="6.0.0", chart_version="", kind="major"), actor=by_ada
            )

    def test_to_no_channel_is_refused(self, draft, by_ada):
        with pytest.raises(Invalid, match="A release goes to insiders, early, stable"):
            release_publish(release=draft, channel="paused", actor=by_ada)


class TestWidening:
    def test_takes_a_more_cautious_channel_in(self, by_ada):
        row = release(VERSION, channel="insiders")
        assert wider_than("insiders") == ["early", "stable"]
        release_widen(release=row, channel="early", actor=by_ada, reason="No complaints.")
        assert newest_for("early") == row
        assert AuditEvent.objects.get(action="release.widen").details == {"from": "insiders", "to": "early"}

    @pytest.mark.parametrize("channel", ["early", "insiders", "paused", "moon"])
    def test_narrows_nothing(self, by_ada, channel):
        with pytest.raises(Invalid, match="is not wider"):
            release_widen(release=release(VERSION, channel="early"), channel=channel, actor=by_ada)

    def test_is_for_what_is_published(self, draft, by_ada):
        with pytest.raises(Conflict, match="is draft"):
            release_widen(release=draft, channel="stable", actor=by_ada)


class TestWithdrawing:
    def test_offers_it_to_nobody_any_more(self, by_ada):
        row = release(VERSION)
        release_withdraw(release=row, actor=by_ada, reason="It loses data.")
        assert newest("insiders") == "5.11.0"
        row.refresh_from_db()
        assert (row.status, row.withdrawn_because) == ("withdrawn", "It loses data.")
        event = AuditEvent.objects.get(action="release.withdraw")
        assert (event.reason, event.details) == ("It loses data.", {"was": "published"})

    def test_wants_a_reason_and_happens_once(self, draft, by_ada):
        with pytest.raises(Invalid, match="Say why"):
            release_withdraw(release=draft, actor=by_ada, reason=" ")
        release_withdraw(release=draft, actor=by_ada, reason="A slip.")
        with pytest.raises(Conflict, match="withdrawn already"):
            release_withdraw(release=draft, actor=by_ada, reason="Again.")
        with pytest.raises(Conflict, match="withdrawn already"):
            release_publish(release=draft, actor=by_ada)


class TestANewInstance:
    def test_gets_the_newest_that_its_channel_is_offered(self, acme, by_alice):
        release("5.13.0", channel="early")
        release("5.9.0")
        assert trial_start(organization=acme, slug="acme", region="us-central1", actor=by_alice).release == release(
            "5.11.0"
        )

    def test_may_follow_a_bolder_channel(self, acme, by_alice):
        newest = release("5.13.0", channel="early")
        instance = instance_create(
            organization=acme, wish=Wish("acme", Kind.INTERNAL, channel=Channel.EARLY), actor=by_alice
        )
        assert (instance.release, instance.channel) == (newest, "early")

    def test_is_refused_while_there_is_none(self, acme, by_alice):
        Release.objects.update(status="withdrawn")
        with pytest.raises(Invalid, match="no release to install yet"):
            trial_start(organization=acme, slug="acme", region="us-central1", actor=by_alice)


class TestTheCommand:
    def test_imports_and_publishes(self, capsys, tmp_path, other_chart, ada):
        notes = tmp_path / "notes.md"
        notes.write_text("Faster.")
        flags = f"--chart {other_chart} --notes-file {notes} --minimum-version 5.11.0 --schema-incompatible"
        call_command(
            "release_import",
            VERSION,
            *flags.split(),
            "--channel",
            "early",
            "--publish",
            "--by",
            ada.email,
            "--kind",
            "major",
        )
        made = Release.objects.get(app_version=VERSION)
        assert (made.status, made.channel, made.kind, made.notes) == ("published", "early", "major", "Faster.")
        assert made.chart
        assert (made.minimum_version, made.schema_is_compatible, made.chart.name) == ("5.11.0", False, "other")
        assert capsys.readouterr().out.startswith("5.12.0 is published, major, with the chart other 0.1.0 (")
        assert set(AuditEvent.objects.values_list("action", "actor")) == {
            ("release.import", ada.pk), ("release.publish", ada.pk),
        }  # fmt: skip

    def test_may_be_run_again(self, capsys):
        call_command("release_import", VERSION, "--publish")
        call_command("release_import", VERSION, "--publish")
        assert capsys.readouterr().out.count("5.12.0 is published, minor") == 2

    def test_says_what_is_wrong(self):
        with pytest.raises(CommandError, match="There is no chart at /nowhere") as refused:
            call_command("release_import", VERSION, "--chart", "/nowhere")
        assert refused.value.returncode == 2

    def test_says_when_the_notes_are_not_there(self):
        with pytest.raises(CommandError, match="nowhere"):
            call_command("release_import", VERSION, "--notes-file", "/nowhere")
