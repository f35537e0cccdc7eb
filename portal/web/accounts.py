"""How people sign up and log in: allauth's flows, with mail that a worker sends."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from portal.web import account_mail


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Queues mail in place of sending it on the request."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        account_mail.queue_for(template_prefix, email, context)
