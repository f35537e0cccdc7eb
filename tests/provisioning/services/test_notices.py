"""Notices reach Slack and PagerDuty over HTTP, are tried again until they are taken, and give no secret away."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from portal.core.errors import Invalid
from portal.core.models import Mail
from provisioning.models import Alert, AlertRule, Notice
from provisioning.services.notices import channels, notice_test, notices_go_on, notices_queue

pytestmark = pytest.mark.django_db


class Receiver:
    """What takes webhooks: `taken` is what came, `status` what it answers."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(b"no such hook")

            def log_message(self, *_: object) -> None:
                """Nothing of it is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def slack(receiver, settings):
    settings.ALERT_SLACK_URL = receiver.url
    return receiver


@pytest.fixture
def pagerduty(receiver, settings):
    settings.ALERT_PAGERDUTY_KEY, settings.ALERT_PAGERDUTY_URL = "key-1", receiver.url
    return receiver


@pytest.fixture
def alerts() -> list[Alert]:
    rule = AlertRule.objects.get(pk="instance-down")
    return [
        Alert.objects.create(rule=rule, subject=name, sentence=f"{name} is down.", incident="instance-down-1")
        for name in ("acme", "globex")
    ]


def test_slack_is_told_what_it_is_and_what_to_do(slack, alerts):
    notices_queue("opened", alerts)
    assert notices_go_on() == 1
    [message] = slack.taken
    assert message["text"].startswith("*An instance does not answer, for so many seconds (2)*\n• acme is down.\n")
    assert "/admin/provisioning/alert/runbooks/instance-down/" in message["text"]
    assert Notice.objects.get().sent_at is not None
    assert notices_go_on() == 0


def test_pagerduty_has_one_incident_from_its_beginning_to_its_end(pagerduty, alerts):
    for kind in ("opened", "escalated", "resolved"):
        notices_queue(kind, alerts)
    notices_go_on()
    assert [event["event_action"] for event in pagerduty.taken] == ["trigger", "trigger", "resolve"]
    assert {event["dedup_key"] for event in pagerduty.taken} == {"instance-down-1"}
    assert {event["routing_key"] for event in pagerduty.taken} == {"key-1"}
    first = pagerduty.taken[0]["payload"]
    assert (first["severity"], first["custom_details"]["what"]) == ("critical", ["acme is down.", "globex is down."])


def test_what_is_not_taken_is_tried_again_later_and_later(slack, alerts):
    slack.status = 500
    notices_queue("opened", alerts)
    waits = []
    for _ in range(3):
        assert notices_go_on() == 1
        notice = Notice.objects.get()
        assert notice.due_at
        waits.append(notice.due_at - notice.asked_at)
        Notice.objects.update(due_at=notice.asked_at)
    assert waits[0] < waits[1] < waits[2]
    assert Notice.objects.get().error == "It answered 500: no such hook"
    slack.status = 200
    notices_go_on()
    assert (Notice.objects.get().error, Notice.objects.get().sent_at is not None) == ("", True)


def test_an_address_that_nobody_answers_at_is_no_secret_told(settings, alerts):
    settings.ALERT_SLACK_URL = "http://127.0.0.1:1/secret-path"
    notices_queue("opened", alerts)
    notices_go_on()
    assert Notice.objects.get().error == "It could not be reached: ConnectError."


@pytest.mark.parametrize("channel", ["slack", "pagerduty"])
def test_a_channel_is_tried_with_a_test(channel, slack, pagerduty, receiver, by_ada):
    notice_test(channel=channel, actor=by_ada)
    notices_go_on()
    assert "This is a test" in json.dumps(receiver.taken)
    assert len(receiver.taken) == (2 if channel == "pagerduty" else 1)  # its incident is resolved at once


def test_a_channel_that_is_not_set_up_cannot_be_tested(by_ada):
    assert channels() == []
    with pytest.raises(Invalid, match="slack is not set up"):
        notice_test(channel="slack", actor=by_ada)


def test_of_very_many_some_are_named(slack):
    rule = AlertRule.objects.get(pk="leaked")
    many = [Alert.objects.create(rule=rule, subject=str(n), sentence=f"{n} leaks.", incident="x") for n in range(50)]
    notices_queue("opened", many)
    notices_go_on()
    assert "and 30 more" in slack.taken[0]["text"]
    assert "31 leaks." not in slack.taken[0]["text"]


def test_without_alerts_nothing_is_said(slack):
    notices_queue("resolved", [])
    assert not Notice.objects.exists()


def test_mails_are_sent_where_no_other_mail_says_the_same(alerts, ada):
    notices_queue("opened", alerts)
    AlertRule.objects.update(is_mailed=False)
    notices_queue("escalated", list(Alert.objects.select_related("rule")))
    assert list(Mail.objects.values_list("recipient", flat=True)) == [ada.email]
