"""What an owner of the account sets in Stripe's dashboard, and what only Stripe itself decides."""

from typing import Any

from devcloud.cloud import Cloud

_SETTINGS = "stripe_settings"
_CHOICES = {"exhausted": ("cancel", "unpaid", "past_due")}

# Stripe lets an owner choose up to three retries, each 1, 3, 5 or 7 days after the last:
# https://docs.stripe.com/billing/revenue-recovery/smart-retries
DEFAULTS: dict[str, Any] = {
    "account_name": "Managed Sourcegraph",
    "country": "US",
    "retry_days": [7, 7, 7],
    "exhausted": "unpaid",
    "draft_seconds": 3600,
    "upcoming_days": 7,
    "trial_warning_days": 3,
    "incomplete_hours": 23,
}


def settings(cloud: Cloud) -> dict[str, Any]:
    """All of them, by name."""
    return {**DEFAULTS, **(cloud.store.get(_SETTINGS, "all") or {})}


def change_settings(cloud: Cloud, wanted: dict[str, Any]) -> None:
    """What happens from now on happens by these. Raises ValueError for what is no setting."""
    if unknown := wanted.keys() - DEFAULTS.keys():
        raise ValueError(f"There is no setting {', '.join(sorted(unknown))}.")
    for name, value in wanted.items():
        if not isinstance(value, type(DEFAULTS[name])):
            raise ValueError(f"{name} must be such as {DEFAULTS[name]!r}.")  # noqa: TRY004 - one kind of error for a bad form
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(_CHOICES[name])}.")
    cloud.store.put(_SETTINGS, "all", {**(cloud.store.get(_SETTINGS, "all") or {}), **wanted})
