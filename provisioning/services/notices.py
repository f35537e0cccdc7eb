"""Who is told of alerts, and how: by mail, in a channel as Slack has them, and by PagerDuty.

What is to be said is written down in the transaction that it follows from, and sent by a worker: mails by the outbox,
the rest from here, later and later until it is taken.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.urls import reverse

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Invalid
from portal.core.mail import queue, register
from portal.core.models import User
from portal.core.turns import Turn, claim
from provisioning.clients.pagers import NotTaken, pagerduty, slack
from provisioning.models import Alert, Notice
from provisioning.services.sending import send_on_commit

GO_ON: Final = "provisioning.tasks.send_notices"
MAIL: Final = "alert"
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=10), timedelta(minutes=15)
MOST_AT_ONCE: Final = 20
LISTED: Final = 20  # alerts of one notice that are named; the rest are counted
WORDS: Final = {
    Notice.Kind.OPENED: "",
    Notice.Kind.ESCALATED: "Nobody is at it: ",
    Notice.Kind.RESOLVED: "Over: ",
    Notice.Kind.TEST: "This is a test: ",
}
log = structlog.get_logger(__name__)


def register_mails() -> None:
    """The kind of mail about alerts is known."""
    register(MAIL)


def channels() -> list[str]:
    """Those that are set up, beside mail."""
    set_up = {Notice.Channel.SLACK: settings.ALERT_SLACK_URL, Notice.Channel.PAGERDUTY: settings.ALERT_PAGERDUTY_KEY}
    return [str(channel) for channel, address in set_up.items() if address]


def notices_queue(kind: str, alerts: Sequence[Alert]) -> None:
    """On every channel that is set up it will be said, once. Without alerts nothing is."""
    if not alerts:
        return
    for channel in channels():
        notice = Notice.objects.create(channel=channel, kind=kind)
        notice.alerts.set(alerts)
    for address in _addresses(kind) if any(alert.rule.is_mailed for alert in alerts) else ():
        context = {**_told(kind, alerts), "link": _link()}
        key = f"{MAIL}:{kind}:{min(alert.pk for alert in alerts)}:{address}"
        queue(key=key, kind=MAIL, recipient=address, context=context)
    send_on_commit(GO_ON)


def notice_test(*, channel: str, actor: Actor) -> Notice:
    """A notice that says it is a test will be sent. Raises Invalid for a channel that is not set up."""
    if channel not in channels():
        raise Invalid(f"{channel} is not set up.")
    notice = Notice.objects.create(channel=channel, kind=Notice.Kind.TEST)
    record("notice.test", notice, actor=actor, details={"channel": channel})
    send_on_commit(GO_ON)
    return notice


def notices_go_on() -> int:
    """Notices that are due have been sent, or have their next try set; answers how many."""
    done = 0
    while done < MOST_AT_ONCE and (turn := claim(Notice.objects.filter(sent_at=None))):
        _send(turn)
        done += 1
    return done


def _send(turn: Turn[Notice]) -> None:
    notice = turn.row
    alerts = list(notice.alerts.select_related("rule").order_by("pk"))
    try:
        if notice.channel == Notice.Channel.SLACK:
            slack(settings.ALERT_SLACK_URL, _text(notice.kind, alerts))
        else:
            _page(notice.kind, alerts)
    except NotTaken as error:
        log.warning("notice not taken", notice=notice.pk, channel=notice.channel, error=str(error))
        turn.postpone(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(notice.failures, 10)), error)
    else:
        turn.ours().update(sent_at=clock.now(), due_at=None, error="")


def _page(kind: str, alerts: Sequence[Alert]) -> None:
    """An incident of PagerDuty's is all that was told of together."""
    action = "resolve" if kind == Notice.Kind.RESOLVED else "trigger"
    incident = alerts[0].incident if alerts else "portal-test"
    severity = "critical" if any(alert.rule.severity == "page" for alert in alerts) else "warning"
    told = _told(kind, alerts)
    payload = {
        "summary": told["headline"],
        "source": settings.PORTAL_URL,
        "severity": severity,
        "custom_details": {"what": told["lines"], "runbook": told["runbook"]},
    }
    where = (settings.ALERT_PAGERDUTY_URL, settings.ALERT_PAGERDUTY_KEY)
    pagerduty(*where, action=action, incident=incident, payload=payload if action == "trigger" else None)
    if kind == Notice.Kind.TEST:
        pagerduty(*where, action="resolve", incident=incident)


def _text(kind: str, alerts: Sequence[Alert]) -> str:
    told = _told(kind, alerts)
    lines = [f"*{told['headline']}*", *(f"• {line}" for line in told["lines"])]
    return "\n".join([*lines, *(f"{name}: {told[name]}" for name in ("runbook",) if told[name]), _link()])


def _told(kind: str, alerts: Sequence[Alert]) -> dict[str, Any]:
    """Headline, lines and where the runbook is, as plain text."""
    if not alerts:
        return {"headline": f"{WORDS[Notice.Kind(kind)]}alerts come through", "lines": [], "runbook": ""}
    rules = list(dict.fromkeys(alert.rule for alert in alerts))
    title = rules[0].title if len(rules) == 1 else f"{len(rules)} kinds of alerts"
    count = f" ({len(alerts)})" if len(alerts) > 1 else ""
    more = [f"and {len(alerts) - LISTED} more"] if len(alerts) > LISTED else []
    return {
        "headline": f"{WORDS[Notice.Kind(kind)]}{title}{count}",
        "lines": [*(alert.sentence for alert in alerts[:LISTED]), *more],
        "runbook": runbook_address(rules[0].pk) if len(rules) == 1 else "",
    }


def runbook_address(key: str) -> str:
    """Where what to do is written down."""
    return f"{settings.PORTAL_URL}{reverse('admin:provisioning_alert_runbook', args=[key])}"


def _addresses(kind: str) -> Iterable[str]:
    """All who run the fleet; when nobody has answered, those beyond as well."""
    staff = User.objects.filter(is_staff=True, is_active=True).values_list("email", flat=True)
    beyond = settings.ALERT_ESCALATE_EMAILS if kind == Notice.Kind.ESCALATED else []
    return dict.fromkeys([*staff, *beyond])


def _link() -> str:
    return f"{settings.PORTAL_URL}{reverse('admin:provisioning_alert_changelist')}"
