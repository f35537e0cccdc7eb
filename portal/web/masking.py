"""Keeps the addresses of calendars out of the logs: whoever has one can read it."""

import logging
import re
from typing import Any

from django_structlog import signals

SECRET_PATH = re.compile(r"(/calendar/)\S+")
HIDDEN = r"\1…"


def mask_requests() -> None:
    """Whatever is logged of a request from now on names no calendar's token."""
    for signal in (
        signals.bind_extra_request_metadata,
        signals.bind_extra_request_finished_metadata,
        signals.bind_extra_request_failed_metadata,
    ):
        signal.connect(_mask, dispatch_uid="portal.web.masking")
    logging.getLogger("django.request").addFilter(_masked)


def _mask(log_kwargs: dict[str, Any], **_: Any) -> None:
    log_kwargs["request"] = SECRET_PATH.sub(HIDDEN, log_kwargs["request"])


def _masked(record: logging.LogRecord) -> bool:
    """Django's own words on a refused request: its path is among the arguments."""
    if isinstance(record.args, tuple):
        record.args = tuple(SECRET_PATH.sub(HIDDEN, arg) if isinstance(arg, str) else arg for arg in record.args)
    return True
