"""Features of an instance: how it stands with each, and whether it is wanted. Buying is for the browser."""

from typing import Any, ClassVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from billing.selectors.entitlements import Held, held_feature, held_features
from billing.services.features import feature_opt_in, feature_opt_out, feature_tell
from portal.api import examples
from portal.api.feature_serializers import FeatureDocument, FeatureList, FeatureSent
from portal.api.schema import READ_PROBLEMS, WRITE_PROBLEMS, documented
from portal.api.view import ApiView, valid
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict
from portal.core.models import Scope
from provisioning.models import Instance
from provisioning.selectors import instance_for

TAG = "Features"


class Features(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "List an instance's features",
        tag=TAG,
        answer=FeatureList,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.FEATURES,),
    )
    def get(self, _request: Request, instance_id: str) -> Response:
        """All that is offered, and what the instance has beside that."""
        held = held_features(instance_for(self.organization, instance_id), clock.now())
        return Response(FeatureList({"results": held}).data)


class FeatureByName(ApiView):
    scopes: ClassVar = {"PATCH": Scope.INSTANCES_WRITE}

    @documented(
        "Switch a feature on or off",
        tag=TAG,
        sent=FeatureSent,
        answer=FeatureDocument,
        problems=(*WRITE_PROBLEMS, 404),
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.FEATURE_WISH, examples.FEATURE),
    )
    def patch(self, request: Request, instance_id: str, name: str) -> Response:
        """What is wanted and entitled is switched on within minutes, what is not wanted any more off.

        Sent again it changes nothing. A feature that is for sale, or that is paid for by itself, is added and stopped
        in the browser, where its price is shown first: here that is a conflict.
        """
        asked = valid(FeatureSent, request.data)
        instance = instance_for(self.organization, instance_id)
        with transaction.atomic():
            # Locked, so that of two calls at once neither answers with what the other has changed.
            row = Instance.objects.select_for_update().get(pk=instance.pk)
            _wish(row, held_feature(row, name, clock.now()), asked, self.actor)
        return Response(FeatureDocument(held_feature(instance, name, clock.now())).data)


def _wish(instance: Instance, held: Held, asked: dict[str, Any], actor: Actor) -> None:
    details = asked["details"]
    of_it: dict[str, Any] = {"instance": instance, "feature": held.feature, "actor": actor}
    if not asked["is_wanted"]:
        if held.opt_in and held.is_add_on:
            raise Conflict(f"{held.feature} is paid for by itself. It is stopped in the browser, at its renewal.")
        if held.opt_in:
            feature_opt_out(**of_it)
    elif held.opt_in is None:
        feature_opt_in(**of_it, details=details)
    elif details is not None and details != held.told:
        feature_tell(**of_it, details=details)
