"""Mail: queued in the transaction that causes it, sent by a worker, its content erased once sent.

A worker that dies after the mail server has taken a mail, and before that is written down, sends it again. Both copies
bear the same Message-ID, by which many mail systems know the second for the same mail and keep one.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from typing import Any, Final

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.dispatch import Signal
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

from portal.core import clock
from portal.core.models import Mail

LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 40  # about a day and a half; after that it stays in the outbox, with its error, for an admin
MESSAGES: Final = uuid.UUID("6c0e9b5e-0f5c-4a39-8f0e-4d1b8a0a7e52")
# A mail server has taken a `mail` with this `text`; the mail goes out again when a receiver fails.
mail_taken = Signal()
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Kind:
    """A kind of mail: its templates are mail/<name>.{subject.txt,txt,html}; `fetch` adds what must not be stored."""

    name: str
    fetch: Callable[[dict[str, Any]], dict[str, Any]]


_kinds: dict[str, Kind] = {}


def register(name: str, fetch: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> None:
    """Makes a kind of mail known. `fetch` is given the stored context and answers the full one, when it is sent."""
    _kinds[name] = Kind(name, fetch)


def queue(*, key: str, kind: str, recipient: str, context: dict[str, Any]) -> None:
    """The mail will be sent, whatever happens; a second call with the same key changes nothing."""
    Mail.objects.get_or_create(key=key, defaults={"kind": kind, "recipient": recipient, "context": context})
    transaction.on_commit(_wake)


def send_due() -> int:
    """Each due mail has been tried once; answers how many went out."""
    sent = 0
    while (mail := _claim()) is not None:
        sent += _send(mail)
    return sent


def _claim() -> Mail | None:
    """The longest due mail; its next try is set before it is sent, so that a crash delays it and never loses it."""
    with transaction.atomic():
        mail = (
            Mail.objects.select_for_update(skip_locked=True).filter(due_at__lte=clock.now()).order_by("due_at").first()
        )
        if mail:
            mail.attempts += 1
            mail.due_at = clock.now() + min(LONGEST_PAUSE, timedelta(seconds=15 * 2 ** min(mail.attempts, 10)))
            mail.save(update_fields=["attempts", "due_at"])
    return mail


def _send(mail: Mail) -> bool:
    try:
        message = _render(mail)
        message.send()
        mail_taken.send(Mail, mail=mail, text=message.body)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is kept, and the other mails are sent all the same
        log.warning("mail not sent", mail=mail.key, attempts=mail.attempts, error=str(error))
        give_up = {"due_at": None} if mail.attempts >= MOST_ATTEMPTS else {}
        Mail.objects.filter(pk=mail.pk).update(error=f"{type(error).__name__}: {error}", **give_up)
        return False
    Mail.objects.filter(pk=mail.pk).update(sent_at=clock.now(), due_at=None, context={}, error="")
    return True


def _render(mail: Mail) -> EmailMultiAlternatives:
    context = _kinds[mail.kind].fetch(mail.context)
    subject = " ".join(render_to_string(f"mail/{mail.kind}.subject.txt", context).split())
    text, headers = render_to_string(f"mail/{mail.kind}.txt", context), {"Message-ID": _message_id(mail)}
    message = EmailMultiAlternatives(subject, text, to=[mail.recipient], headers=headers)
    message.attach_alternative(render_to_string(f"mail/{mail.kind}.html", context), "text/html")
    return message


def _message_id(mail: Mail) -> str:
    """The same for each try, and nothing that tells what it is about."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{uuid.uuid5(MESSAGES, mail.key)}@{host}>"


def _wake() -> None:
    try:
        current_app.send_task("portal.core.tasks.send_due_mail", queue="mail", retry=False, expires=60)
    except OperationalError as error:
        log.warning("wake-up call for mail not sent; the next beat makes up for it", error=str(error))
