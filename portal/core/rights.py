"""What our own people may do for customers, beyond what their flags say."""

from typing import Any, Final

from django.contrib.auth.models import Group

from portal.core.models import User

SALES_MANAGERS: Final = "sales managers"


def is_ours(user: User | None) -> bool:
    """Whether the person works here: in sales, or as an admin."""
    return user is not None and user.is_active and (user.is_sales or user.is_staff or user.is_superuser)


def is_manager(user: User | None) -> bool:
    """Whether the person may decide what sales may not alone: a superuser, or one of sales in the managers' group."""
    if user is None or not user.is_active:
        return False
    return user.is_superuser or (user.is_sales and user.groups.filter(name=SALES_MANAGERS).exists())


def ensure_groups(using: str, **_signal: Any) -> None:
    """Receives Django's `post_migrate`: the managers' group is there."""
    Group.objects.using(using).get_or_create(name=SALES_MANAGERS)
