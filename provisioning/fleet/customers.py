"""Whose instances the figures about customers are of."""

from typing import Final

from django.db.models import Q

from provisioning.models import Kind

KINDS: Final = (Kind.TRIAL, Kind.PRODUCTION)


def of_customers(instance: str = "") -> Q:
    """The condition that an instance is a customer's. `instance`: how a row leads to it, such as "instance__"."""
    return Q(**{f"{instance}kind__in": KINDS, f"{instance}organization__is_synthetic": False})
