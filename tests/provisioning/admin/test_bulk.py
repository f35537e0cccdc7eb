"""Many rows at once: shown before, confirmed by their number where they are many, done to each by itself."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.core.models import AuditEvent
from provisioning.models import Alert, AlertRule, Hold, Instance, Operation
from tests.provisioning.admin.pages import listing, page, text
from tests.provisioning.driving import run_to_the_end

pytestmark = pytest.mark.django_db
INSTANCES = listing("provisioning_instance")
WHY = "Google is repairing its network."


def chosen(rows) -> dict[str, object]:
    return {"_selected_action": [row.pk for row in rows], "select_across": "0"}


def asked(client, deed: str, rows, address: str = INSTANCES):
    """As the list sends it."""
    return client.post(address, {"action": deed, "index": "0", **chosen(rows)})


def confirmed(client, deed: str, rows, address: str = INSTANCES, **answers):
    """As the page that asks sends it."""
    return client.post(address, {"action": deed, "confirmed": "1", **chosen(rows), **answers})


def until(days: int = 7) -> str:
    return (timezone.now() + timedelta(days=days)).date().isoformat()


@pytest.fixture
def instances(fleet) -> list[Instance]:
    fleet(12)
    Instance.objects.filter(slug__startswith="fleet-").update(status="running")
    Operation.objects.update(status="succeeded")
    return list(Instance.objects.filter(slug__startswith="fleet-").order_by("slug"))


def test_the_list_offers_what_can_be_done_to_many(adas, instances):
    shown = text(adas, INSTANCES)
    for words in ("action-select", "Check for drift", "Repair", "Hold or pin", "End the hold"):
        assert words in shown


def test_it_shows_to_which_of_them_it_is_done_and_to_which_not(adas, instances, ada):
    release = instances[0].release
    later = timezone.now() + timedelta(days=1)
    Hold.objects.create(instance=instances[0], release=release, until=later, reason="No.", created_by=ada)
    shown = asked(adas, "hold", instances[:3]).content.decode()
    assert "Done to 2 instances" in shown
    assert "Left as they are: 1," in shown
    assert Hold.objects.count() == 1
    assert "to confirm" not in shown


def test_few_are_done_with_a_reason(adas, ada, instances):
    answer = confirmed(adas, "hold", instances[:3], reason="", until=until())
    assert answer.context["form"].errors["reason"]
    answer = confirmed(adas, "hold", instances[:3], reason=WHY, until=until())
    assert answer["Location"] == INSTANCES
    assert Hold.objects.filter(reason=WHY, created_by=ada).count() == 3
    assert "was done to 3." in text(adas, INSTANCES)
    assert AuditEvent.objects.filter(action="hold.begin", actor=ada, reason=WHY).count() == 3


def test_of_many_the_number_is_typed(adas, instances):
    asking = {"reason": WHY, "until": until()}
    assert "Type “12 instances” to confirm" in asked(adas, "hold", instances).content.decode()
    answer = confirmed(adas, "hold", instances, **asking, confirmation="11 instances")
    assert "Type “12 instances” as it stands here." in answer.content.decode()
    assert not Hold.objects.exists()
    confirmed(adas, "hold", instances, **asking, confirmation="12 instances")
    assert Hold.objects.count() == 12


def test_what_is_refused_to_one_is_done_to_the_others(adas, instances):
    before = (timezone.now() - timedelta(days=2)).date().isoformat()
    answer = confirmed(adas, "hold", instances[:2], reason=WHY, until=before)
    assert answer.status_code == 302
    shown = text(adas, INSTANCES)
    assert [shown.count(f"{each}: ") for each in instances[:3]] == [1, 1, 0]  # why not, by name
    assert not Hold.objects.exists()


def test_what_none_can_have_cannot_be_confirmed(adas, instances):
    shown = asked(adas, "endhold", instances[:2]).content.decode()
    assert "It can be done to none of them" in shown
    assert 'type="submit"' not in shown.partition("deed-buttons")[2].partition("</form>")[0]
    confirmed(adas, "endhold", instances[:2], reason=WHY)
    assert not AuditEvent.objects.filter(action="hold.end").exists()


def test_more_than_a_page_can_do_are_too_many(adas, instances, monkeypatch):
    monkeypatch.setattr("portal.core.admin.bulk.MOST", 5)
    assert asked(adas, "hold", instances)["Location"] == INSTANCES
    assert "Choose at most 5 at once" in text(adas, INSTANCES)


def test_asking_takes_as_many_queries_for_many_as_for_few(adas, instances):
    text(adas, INSTANCES)  # what the sidebar keeps for some seconds is kept
    counts = []
    for some in (instances[:2], instances):
        with CaptureQueriesContext(connection) as queries:
            asked(adas, "repair", some)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_it_is_not_for_customers(alices, instances):
    assert confirmed(alices, "hold", instances[:2], reason=WHY, until=until()).status_code == 302
    assert not Hold.objects.exists()


def test_failed_operations_are_retried(adas, failed, clock):
    operations = listing("provisioning_operation")
    assert "Done to 1 operation" in asked(adas, "retry", [failed], operations).content.decode()
    confirmed(adas, "retry", [failed], operations, reason=WHY)
    assert run_to_the_end(failed, clock).status == "succeeded"
    assert page(failed) in text(adas, operations)


def test_alerts_are_acknowledged(adas, ada, instances):
    rule = AlertRule.objects.get(pk="instance-down")
    now = timezone.now()
    alerts = [
        Alert.objects.create(rule=rule, subject=each.pk, instance=each, sentence="Down.", opened_at=now, told_at=now)
        for each in instances[:3]
    ]
    Alert.objects.filter(pk=alerts[0].pk).update(acknowledged_at=now, acknowledged_by=ada)
    address = listing("provisioning_alert")
    assert "Done to 2 alerts" in asked(adas, "acknowledge", alerts, address).content.decode()
    confirmed(adas, "acknowledge", alerts, address, reason=WHY)
    assert not Alert.objects.filter(acknowledged_at=None).exists()
