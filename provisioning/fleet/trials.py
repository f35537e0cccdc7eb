"""Which trials count."""

from django.db.models import QuerySet

from portal.core.models import Organization
from provisioning.models import Instance, InstanceStatus, Kind


def trials_of(organization: Organization) -> QuerySet[Instance]:
    """The trials that the organization has, or has had: one that is gone without ever having run does not count."""
    trials = Instance.objects.filter(organization=organization, kind=Kind.TRIAL)
    return trials.exclude(status=InstanceStatus.DELETED, ready_at=None)
