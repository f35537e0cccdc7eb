"""What the tests of the pages do to operations and mail, and read of them."""

from typing import Any

from django.urls import reverse

from portal.core.mail import _kinds
from portal.core.models import Mail


def ended(operation, status):
    operation.status, operation.finished_at = status, operation.started_at
    operation.save()


def page_of(operation, name="operation_detail"):

    return reverse(name, args=[operation.instance_id, operation.pk])


def letter(mail: Mail) -> dict[str, Any]:
    """What a mail would say if it were sent now."""
    return _kinds[mail.kind].fetch(mail.context)
