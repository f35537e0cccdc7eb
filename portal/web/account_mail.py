"""Mail about a person's own account. Its one-time links are made when it is sent, so that none is ever stored."""

from collections.abc import Mapping
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from portal.core import ids, mail
from portal.core.models import User

VERIFY, RESET, EXISTS, UNKNOWN, CHANGED = (
    "verify-email",
    "password-reset",
    "account-exists",
    "account-unknown",
    "account-changed",
)
KINDS = {
    "account/email/email_confirmation_signup": VERIFY,
    "account/email/email_confirmation": VERIFY,
    "account/email/password_reset_key": RESET,
    "account/email/account_already_exists": EXISTS,
    "account/email/unknown_account": UNKNOWN,
}
CHANGES = {
    "account/email/password_changed": "Your password was changed.",
    "account/email/password_reset": "Your password was reset.",
    "account/email/password_set": "A password was set.",
    "account/email/email_changed": "Your mail address was changed.",
    "account/email/email_confirm": "A mail address was confirmed.",
    "account/email/email_deleted": "A mail address was removed.",
    "mfa/email/totp_activated": "An authenticator app was switched on.",
    "mfa/email/totp_deactivated": "The authenticator app was switched off.",
    "mfa/email/recovery_codes_generated": "New recovery codes were made.",
    "mfa/email/webauthn_added": "A passkey or security key was added.",
    "mfa/email/webauthn_removed": "A passkey or security key was removed.",
}


def register() -> None:
    """The kinds of mail about accounts are known."""
    mail.register(VERIFY, _with_verification)
    mail.register(RESET, _with_reset)
    mail.register(EXISTS, _with_addresses)
    mail.register(UNKNOWN, _with_addresses)
    mail.register(CHANGED, _with_addresses)


def queue_for(template_prefix: str, email: str, context: Mapping[str, Any]) -> None:
    """The mail that allauth means by `template_prefix` is queued."""
    kind = KINDS.get(template_prefix, CHANGED)
    mail.queue(key=ids.new_id(kind), kind=kind, recipient=email, context=_stored(kind, template_prefix, email, context))


def _stored(kind: str, template_prefix: str, email: str, context: Mapping[str, Any]) -> dict[str, Any]:
    if kind == CHANGED:
        return {
            "sentence": CHANGES[template_prefix],
            "at": f"{context['timestamp']:%-d %B %Y, %H:%M} UTC",
            "source_address": context["ip"],
            "browser": context["user_agent"],
        }
    user = context.get("user")
    return {"email": email, "user_id": user.pk} if isinstance(user, User) else {"email": email}


def _with_verification(stored: dict[str, Any]) -> dict[str, Any]:
    addresses = EmailAddress.objects.select_related("user").filter(user_id=stored["user_id"])
    address = addresses.filter(email__iexact=stored["email"]).first()
    if address is None:
        raise LookupError("The address has been removed meanwhile.")
    key = EmailConfirmationHMAC(address).key
    link = _link("account_confirm_email", key=key)
    return {**stored, "name": address.user.get_short_name(), "link": link}


def _with_reset(stored: dict[str, Any]) -> dict[str, Any]:
    user = User.objects.filter(pk=stored["user_id"], is_active=True).first()
    if user is None:
        raise LookupError("The account has been closed meanwhile.")
    link = _link(
        "account_reset_password_from_key", uidb36=user_pk_to_url_str(user), key=default_token_generator.make_token(user)
    )
    return {**stored, "name": user.get_short_name(), "link": link}


def _with_addresses(stored: dict[str, Any]) -> dict[str, Any]:
    pages = {"reset_link": "account_reset_password", "signup_link": "account_signup", "security_link": "mfa_index"}
    return {**stored, **{name: _link(page) for name, page in pages.items()}}


def _link(page: str, **arguments: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(page, kwargs=arguments)}"
