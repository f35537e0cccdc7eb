"""Releases are imported, published, widened and withdrawn; nobody types one in."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.models import AuditEvent
from provisioning.models import Instance, Release
from tests.conftest import chart_of_ours, release
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db
LIST, IMPORT = listing("provisioning_release"), "/admin/provisioning/release/do/import/"
WISH = {"app_version": "5.12.0", "kind": "", "schema": "", "channel": "early", "notes": "Faster."}
WHY = "It is time."


def test_a_release_is_imported_from_a_page_of_its_own(adas, ada, catalogue):
    assert IMPORT in text(adas, LIST)
    assert "Its chart is fetched now" in text(adas, IMPORT)
    response = adas.post(IMPORT, WISH, follow=True)
    assert "5.12.0 is imported with the chart sourcegraph" in response.content.decode()
    made = Release.objects.get(app_version="5.12.0")
    assert (made.status, made.channel, made.kind, made.notes) == ("draft", "early", "minor", "Faster.")
    assert made.schema_is_compatible
    event = AuditEvent.objects.get(action="release.import")
    assert (event.actor, event.details["digest"]) == (ada, chart_of_ours().digest)


def test_what_the_service_refuses_stands_at_its_field(adas, catalogue):
    shown = adas.post(IMPORT, {**WISH, "chart": "/nowhere"}).content.decode()
    assert "There is no chart at /nowhere" in shown
    assert not Release.objects.filter(app_version="5.12.0").exists()


def test_nothing_is_typed_in_or_changed_by_hand(adas, catalogue):
    row = Release.objects.first()
    assert adas.get("/admin/provisioning/release/add/").status_code == 403
    assert adas.post(page(row), {"app_version": "1.0.0"}).status_code == 403
    assert not re.search(r'<(input|select|textarea)[^>]* name="(app_version|chart|kind|channel)', text(adas, page(row)))


def test_a_draft_is_published_to_a_channel(adas, ada):
    draft = release("5.12.0", status="draft", channel="early")
    assert '<option value="early" selected>' in text(adas, page(draft, "deed", "publish"))
    assert do(adas, draft, "publish", channel="insiders", reason=WHY).status_code == 302
    draft.refresh_from_db()
    assert (draft.status, draft.channel) == ("published", "insiders")
    event = AuditEvent.objects.get(action="release.publish")
    assert (event.actor, event.reason, event.details) == (ada, WHY, {"channel": "insiders"})


def test_it_is_widened_only_to_more_cautious_channels(adas):
    row = release("5.12.0", channel="insiders")
    shown = text(adas, page(row, "deed", "widen"))
    assert 'value="early"' in shown
    assert 'value="insiders"' not in shown
    assert do(adas, row, "widen", channel="stable", reason=WHY).status_code == 302
    assert Release.objects.get().channel == "stable"
    assert "/do/widen/" not in text(adas, page(row))


def test_withdrawing_asks_for_the_version_and_a_reason(adas):
    row = release("5.12.0")
    refused = do(adas, row, "withdraw", confirmation="5.12", reason=WHY)
    assert "Type “5.12.0” to confirm." in refused.content.decode()
    assert do(adas, row, "withdraw", confirmation="5.12.0", reason="It loses data.").status_code == 302
    row.refresh_from_db()
    assert (row.status, row.withdrawn_because) == ("withdrawn", "It loses data.")
    shown = text(adas, page(row))
    assert "It loses data." in shown
    assert "/do/" not in shown


def test_the_list_tells_what_runs_where(adas, trial):
    shown = text(adas, LIST)
    assert chart_of_ours().digest[:12] in shown
    address = f"/admin/provisioning/instance/?release__id__exact={trial.release_id}"
    assert address in shown
    assert "acme" in text(adas, address)
    Instance.objects.update(status="deleted")
    assert address not in text(adas, LIST)


def test_the_list_asks_as_much_for_many_as_for_few(adas, catalogue):
    text(adas, LIST)  # what the sidebar keeps for some seconds is kept
    with CaptureQueriesContext(connection) as few:
        text(adas, LIST)
    for minor in range(12, 20):
        release(f"5.{minor}.0")
    with CaptureQueriesContext(connection) as many:
        text(adas, LIST)
    assert len(many) == len(few)
    assert not any('"archive"' in query["sql"] for query in many)


class TestAnUpgrade:
    @pytest.fixture
    def running(self, trial) -> Instance:
        Instance.objects.update(status="running", release=Release.objects.get(app_version="5.10.1"))
        return Instance.objects.get()

    def test_offers_what_can_be_reached_and_says_the_stops(self, adas, running):
        release("6.0.0", "major", minimum_version="5.11.0")
        release("6.1.0", channel="insiders")
        release("7.0.0", minimum_version="6.9.0")
        release("6.2.0", status="draft")
        shown = text(adas, page(running, "deed", "upgrade"))
        offered = re.findall(r"<option[^>]*>\s*([^<]+?)\s*</option>", shown)
        assert offered == [
            "Choose a release",
            "6.1.0, minor, insiders",
            "6.0.0, major, by way of 5.11.0",
            "5.11.0, minor",
        ]

    def test_says_where_it_goes_first(self, adas, running):
        last = release("6.0.0", "major", minimum_version="5.11.0")
        response = adas.post(page(running, "deed", "upgrade"), {"release": last.pk, "reason": WHY}, follow=True)
        assert "being upgraded to 6.0.0, first to 5.11.0" in response.content.decode()

    def test_on_the_newest_there_is_nothing_to_choose(self, adas, running):
        Instance.objects.update(release=Release.objects.get(app_version="5.11.0"))
        assert "There is nothing newer" in text(adas, page(running, "deed", "upgrade"))
