"""What our own people may do for customers, beyond what their flags say."""

from typing import Any, Final

from django.contrib.auth.models import Group

from portal.core.audit import Actor
from portal.core.errors import Forbidden
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


def one_of_us(actor: Actor) -> User:
    """The person who acts. Raises Forbidden for everybody who does not work here."""
    if actor.user is None or not is_ours(actor.user):
        raise Forbidden("Only somebody of ours can do this.")
    return actor.user


def ensure_groups(using: str, **_signal: Any) -> None:
    """Receives Django's `post_migrate`: the managers' group is there."""
    Group.objects.using(using).get_or_create(name=SALES_MANAGERS)
