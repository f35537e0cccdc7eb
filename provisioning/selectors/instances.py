from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from portal.core.errors import NotFound
from portal.core.models import Organization
from provisioning.models import CustomDomain, Instance, InstanceStatus, Operation, OperationKind
from provisioning.models.operations import LIVE


def instances_of(organization: Organization) -> QuerySet[Instance]:
    """The organization's instances, newest first, each with `live_operations` at hand."""
    return (
        Instance.objects.filter(organization=organization)
        .select_related("size", "release", "cluster", "organization")
        .prefetch_related(Prefetch("operations", Operation.objects.filter(status__in=LIVE), to_attr="live_operations"))
        .order_by("-created_at")
    )


def instance_for(organization: Organization, instance_id: str) -> Instance:
    """One of the organization's instances; NotFound for anything else, whosever it is."""
    return the_one(instances_of(organization).filter(pk=instance_id))


def the_one(rows: QuerySet[Instance]) -> Instance:
    """The instance that is all of `rows`; NotFound where there is none."""
    instance = rows.first()
    if instance is None:
        raise NotFound("There is no such instance.")
    return instance


def instance_away_from(domain: str) -> Instance | None:
    """The living instance of that name, its own or its customer's, if the name may lead to the portal in its place: it
    is suspended, or has been asked to be at some time, and names are remembered for a while. For strangers, too, who
    are shown its name alone.
    """
    asked = Operation.objects.filter(instance=OuterRef("pk"), kind__in=[OperationKind.SUSPEND, OperationKind.RESUME])
    named = Q(domain=domain) | Q(pk__in=CustomDomain.objects.filter(name=domain).values("instance"))
    living = Instance.objects.filter(named).exclude(status=InstanceStatus.DELETED)
    return living.filter(Q(status=InstanceStatus.SUSPENDED) | Exists(asked)).first()


def operation_for(organization: Organization, operation_id: str) -> Operation:
    """An operation on one of the organization's instances; NotFound for anything else."""
    mine = Operation.objects.select_related("instance").filter(instance__organization=organization)
    operation = mine.filter(pk=operation_id).first()
    if operation is None:
        raise NotFound("There is no such operation.")
    return operation


def operations_of(instance: Instance) -> QuerySet[Operation]:
    """Its operations, newest first, each with its steps at hand."""
    return instance.operations.prefetch_related("steps").select_related("requested_by").order_by("-created_at")
