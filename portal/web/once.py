"""Forms that must not be taken twice carry a key; the first post with it wins."""

import secrets

from django.core.cache import cache

REMEMBERED_SECONDS = 24 * 3_600


def new_key() -> str:
    return secrets.token_urlsafe(16)


def is_first(key: str) -> bool:
    """True for the first caller with this key in a day, however many come at once."""
    return cache.add(f"form:{key}", value=True, timeout=REMEMBERED_SECONDS)
