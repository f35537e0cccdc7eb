"""The documents of plans and of certificates of deletion."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from portal.api.customer_words import plan_sentence
from provisioning.models import OperationKind, Survey
from provisioning.selectors import Effect, Plan, PlanLine

EFFECTS = [(effect.value, effect.value) for effect in Effect]


class PlanLineDocument(serializers.Serializer[PlanLine]):
    """One object, and what would happen to it. `resource` is empty for what only watches or has no name yet."""

    title = serializers.CharField(read_only=True)
    resource = serializers.CharField(read_only=True)
    effect = serializers.ChoiceField(EFFECTS, read_only=True)
    sentence = serializers.SerializerMethodField()

    def get_sentence(self, line: PlanLine) -> str:
        return plan_sentence(line)


class PlanDocument(serializers.Serializer[Plan]):
    """What an operation would do, told before it: nothing has been changed. It grows until `is_done`."""

    kind = serializers.SerializerMethodField()
    is_done = serializers.BooleanField(read_only=True)
    looked = serializers.IntegerField(read_only=True, help_text="How many of its lines are known.")
    total = serializers.IntegerField(read_only=True)
    expected_seconds = serializers.FloatField(read_only=True, help_text="How long it would take. Final once done.")
    lines = PlanLineDocument(many=True, read_only=True)

    @extend_schema_field(serializers.ChoiceField(OperationKind.choices))
    def get_kind(self, plan: Plan) -> str:
        return plan.survey.kind if plan.survey else OperationKind.PROVISION


class InstancePlanDocument(PlanDocument):
    """A plan for an instance that there is. It is kept for a day."""

    id = serializers.CharField(source="survey.pk", read_only=True)
    url = serializers.SerializerMethodField()
    instance = serializers.CharField(source="survey.instance_id", read_only=True)  # type: ignore[assignment] # a field, not the attribute
    created_at = serializers.DateTimeField(source="survey.created_at", read_only=True)

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, plan: Plan) -> str:
        survey: Survey = plan.survey  # type: ignore[assignment] # a plan for an instance has one
        return reverse("api:plan", args=[survey.pk], request=self.context.get("request"))


class CertificateLineDocument(serializers.Serializer[Any]):
    """One object that is gone, or one check that was made (`resource` is empty)."""

    title = serializers.CharField(read_only=True)
    resource = serializers.CharField(read_only=True)
    asked_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When its deletion was asked for; null where nothing was there."
    )
    confirmed_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="Null: not confirmed.")
    confirmed = serializers.CharField(read_only=True, help_text="How its absence was confirmed with the cloud.")
    deeds = serializers.ListField(child=serializers.CharField(), read_only=True)


class CertificateDocument(serializers.Serializer[Any]):
    """That nothing is left of an instance.

    `digest` is the SHA-256 of all other members but `id`, as JSON in UTF-8 with sorted keys and no spaces.
    """

    id = serializers.CharField(read_only=True)
    instance = serializers.CharField(read_only=True)
    slug = serializers.CharField(read_only=True)
    domain = serializers.CharField(read_only=True)
    organization = serializers.CharField(read_only=True)
    operation = serializers.CharField(read_only=True)
    issued_at = serializers.DateTimeField(read_only=True)
    lines = CertificateLineDocument(many=True, read_only=True)
    digest = serializers.CharField(read_only=True)
