"""What is known of names of customers' own."""

from collections.abc import Collection, Mapping
from typing import Any

from provisioning.fleet.details import CUSTOM_NAME
from provisioning.fleet.features import CUSTOM_DOMAIN
from provisioning.models import CustomDomain, Instance


def domain_of(instance: Instance, name: str) -> CustomDomain | None:
    """What is known of that name of the instance's; None where it is not the instance's."""
    return CustomDomain.objects.filter(instance=instance, name=name).first()


def waits_for_a_record(instance: Instance, parts: Collection[str], details: Mapping[str, Any]) -> bool:
    """Whether a feature with these parts and details waits until the public DNS leads its name to the instance.

    What is on waits for nothing, wherever its name leads by now. One query for who has such a name, none for others.
    """
    name = details.get(CUSTOM_NAME)
    if CUSTOM_DOMAIN not in parts or not name or name == instance.custom_domain:
        return False
    return not CustomDomain.objects.filter(instance=instance, name=name, state=CustomDomain.State.HERE).exists()
