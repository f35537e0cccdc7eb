"""How somebody is reached at once: a webhook as Slack takes them, and PagerDuty's Events API v2.

Sources: api.slack.com/messaging/webhooks; developer.pagerduty.com/docs/events-api-v2-overview (read 2026-12-01).
"""

from typing import Any, Final

import httpx

from provisioning.clients.application import trusted

TIMEOUT_SECONDS: Final = 10.0
PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
LONGEST_SUMMARY: Final = 1_024


class NotTaken(Exception):
    """It was not taken; a later try may be. The sentence never has the address in it, which is a secret."""


def slack(address: str, text: str) -> None:
    """The message is in the channel. Raises NotTaken."""
    _post(address, {"text": text})


def pagerduty(address: str, key: str, *, action: str, incident: str, payload: dict[str, Any] | None = None) -> None:
    """An incident is triggered or resolved; the same `incident` is the same one. Raises NotTaken."""
    event: dict[str, Any] = {"routing_key": key, "event_action": action, "dedup_key": incident}
    if payload:
        event["payload"] = {**payload, "summary": payload["summary"][:LONGEST_SUMMARY]}
    _post(address or PAGERDUTY, event)


def _post(address: str, document: dict[str, Any]) -> None:
    try:
        with httpx.Client(verify=trusted(), timeout=TIMEOUT_SECONDS, trust_env=True) as http:
            answer = http.post(address, json=document)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotTaken(f"It could not be reached: {type(error).__name__}.") from None
    if answer.status_code >= 300:
        raise NotTaken(f"It answered {answer.status_code}: {answer.text[:200]}")
