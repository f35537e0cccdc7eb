"""Updates of an instance: when they may come, what is planned and what was done, and putting one off."""

from typing import ClassVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api import examples
from portal.api.idempotency import idempotent
from portal.api.schema import READ_PROBLEMS, WRITE_PROBLEMS, documented
from portal.api.serializers import InstanceDocument
from portal.api.standings import instance_body
from portal.api.update_serializers import MaintenanceSent, PostponementSent, UpdatesDocument
from portal.api.update_serializers import Updates as UpdatesOfInstance
from portal.api.view import ApiView, valid
from portal.core.errors import Conflict, Invalid
from portal.core.models import Scope
from provisioning.models import Instance, OperationKind
from provisioning.selectors import instance_for, operations_of
from provisioning.selectors.planned import Planned, planned_for
from provisioning.services.maintenance import maintenance_set
from provisioning.services.rollouts import member_postpone

TAG = "Updates"
UPDATES = (
    OperationKind.UPGRADE,
    OperationKind.ROLLBACK,
    OperationKind.RESTORE,
    OperationKind.MIGRATE_ARCHITECTURE,
)
MOST_DONE = 50


class Maintenance(ApiView):
    scopes: ClassVar = {"PATCH": Scope.INSTANCES_WRITE}

    @documented(
        "Set channel and maintenance window",
        tag=TAG,
        sent=MaintenanceSent,
        answer=InstanceDocument,
        problems=(*WRITE_PROBLEMS, 404),
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.MAINTENANCE, examples.INSTANCE),
    )
    def patch(self, request: Request, instance_id: str) -> Response:
        """Sets which releases the instance gets, and in which weekly hours it may be changed."""
        asked = valid(MaintenanceSent, request.data)
        instance_for(self.organization, instance_id)
        with transaction.atomic():
            # Locked, so that of two calls at once neither takes back what the other has set.
            row = Instance.objects.select_for_update().get(pk=instance_id)
            maintenance_set(instance=row, actor=self.actor, **{**_choices_of(row), **asked})
        return Response(instance_body(instance_for(self.organization, instance_id), request))


class Updates(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "List an instance's updates",
        tag=TAG,
        answer=UpdatesDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.UPDATES,),
    )
    def get(self, request: Request, instance_id: str) -> Response:
        """What is planned for it, and what was done, with the downtime that was measured from outside."""
        return Response(_body(instance_for(self.organization, instance_id), request))


class Postponement(ApiView):
    scopes: ClassVar = {"POST": Scope.INSTANCES_WRITE}

    @documented(
        "Postpone an update",
        tag=TAG,
        sent=PostponementSent,
        answer=UpdatesDocument,
        problems=(*WRITE_PROBLEMS, 404),
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.POSTPONEMENT, examples.UPDATES),
    )
    @idempotent
    def post(self, request: Request, instance_id: str) -> Response:
        """The update comes in the first window from `until` on. The problem says how far it can be put off."""
        asked = valid(PostponementSent, request.data)
        instance = instance_for(self.organization, instance_id)
        planned = _one_of(_planned(instance), asked.get("update"))
        member_postpone(member=planned.member, until=asked["until"], actor=self.actor)
        return Response(_body(instance, request))


def _choices_of(instance: Instance) -> dict[str, str | int | None]:
    return {
        "channel": instance.channel,
        "weekday": instance.maintenance_weekday,
        "hour": instance.maintenance_hour,
        "time_zone": instance.time_zone,
    }


def _body(instance: Instance, request: Request) -> object:
    done = operations_of(instance).prefetch_related(None).filter(kind__in=UPDATES, started_at__isnull=False)
    updates = UpdatesOfInstance(_planned(instance), list(done[:MOST_DONE]))
    return UpdatesDocument(updates, context={"request": request}).data


def _planned(instance: Instance) -> list[Planned]:
    return [planned for planned in planned_for(instance.organization) if planned.instance.pk == instance.pk]


def _one_of(planned: list[Planned], update: str | None) -> Planned:
    """The update that is meant; by default the next."""
    if not planned:
        raise Conflict("Nothing is planned that could be put off.")
    for each in planned:
        if update in {None, each.member.rollout_id}:
            return each
    raise Invalid("No such update is planned.", field="update")
