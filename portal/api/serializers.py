"""The documents of the API: what goes out, and what comes in."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from billing.selectors.trials import Waiting
from portal.api.customer_words import operation_error, step_error
from portal.core.models import Organization
from provisioning.fleet.final_backups import KEPT_DAYS
from provisioning.fleet.windows import window_of
from provisioning.health.states import Seen
from provisioning.models import (
    Channel,
    Health,
    Instance,
    InstanceStatus,
    Kind,
    Operation,
    OperationKind,
    OperationStatus,
    Region,
    StepStatus,
    SuspensionNotice,
    Tenancy,
    Weekday,
)
from provisioning.models.instances import PLACES
from provisioning.models.operations import ACTIVE
from provisioning.selectors import Progress, StepView, progress_of
from provisioning.selectors.planned import ReleaseStanding
from provisioning.services import NameVerdict

WEEKDAYS = [(day.name.lower(), day.label) for day in Weekday]


class Sent(serializers.Serializer[Any]):
    """A body that comes in: a field that we do not know is refused, since it is more likely a slip than a wish."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({name: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


class OrganizationDocument(serializers.Serializer[Organization]):
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    slug = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class OperationLink(serializers.Serializer[Operation]):
    """Names an operation; `url` has it with its steps."""

    id = serializers.CharField(read_only=True)
    kind = serializers.ChoiceField(OperationKind.choices, read_only=True)
    status = serializers.ChoiceField(OperationStatus.choices, read_only=True)
    url = serializers.SerializerMethodField()

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, operation: Operation) -> str:
        return reverse("api:operation", args=[operation.pk], request=self.context.get("request"))


class MaintenanceWindowDocument(serializers.Serializer[Instance]):
    """When it may be changed: a few hours from `hour` on, by the clock of `time_zone`."""

    weekday = serializers.SerializerMethodField(help_text="Null: any day.")
    hour = serializers.IntegerField(source="maintenance_hour", read_only=True, min_value=0, max_value=23)
    time_zone = serializers.SerializerMethodField(help_text="An IANA name; unless you choose one, its region's.")

    @extend_schema_field(serializers.ChoiceField(WEEKDAYS, allow_null=True))
    def get_weekday(self, instance: Instance) -> str | None:
        weekday = instance.maintenance_weekday
        return None if weekday is None else WEEKDAYS[weekday][0]

    def get_time_zone(self, instance: Instance) -> str:
        return window_of(instance).zone


class ReleaseStandingDocument(serializers.Serializer[ReleaseStanding]):
    """How it stands to the newest release."""

    version = serializers.CharField(read_only=True, help_text="What it has.")
    newest = serializers.CharField(
        source="newest.app_version", default=None, read_only=True, allow_null=True, help_text="What there is."
    )
    reason = serializers.CharField(
        source="sentence", read_only=True, help_text="Why it does not have the newest yet; empty when it does."
    )
    expected_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it is expected to be updated; null when nobody can tell."
    )


class HealthDocument(serializers.Serializer[Seen]):
    """How the instance is, by all that is known of it from outside and inside. Changes by itself; ask again."""

    state = serializers.ChoiceField(
        Health.State.choices,
        read_only=True,
        help_text="`degraded`: it answers, but a part of it is not well. `unknown`: nobody has looked lately.",
    )
    since = serializers.DateTimeField(read_only=True)


class InstanceDocument(serializers.Serializer[Instance]):
    """`status` says what is true, `operation` what is happening to it now (null: nothing)."""

    id = serializers.CharField(read_only=True)
    organization = serializers.CharField(source="organization_id", read_only=True)
    slug = serializers.CharField(read_only=True)
    domain = serializers.CharField(read_only=True)
    url = serializers.URLField(read_only=True, help_text="Where its people open it, once it runs.")
    kind = serializers.ChoiceField(Kind.choices, read_only=True)
    tenancy = serializers.ChoiceField(Tenancy.choices, read_only=True)
    status = serializers.ChoiceField(InstanceStatus.choices, read_only=True)
    region = serializers.ChoiceField(PLACES, read_only=True)
    size = serializers.CharField(source="size_id", read_only=True)
    version = serializers.CharField(source="release.app_version", read_only=True)
    channel = serializers.ChoiceField(Channel.choices, read_only=True, help_text="Which releases it gets.")
    maintenance_window = MaintenanceWindowDocument(source="*", read_only=True)
    release = ReleaseStandingDocument(
        source="release_standing", read_only=True, allow_null=True, help_text="Null once it is deleted."
    )
    created_at = serializers.DateTimeField(read_only=True)
    ready_at = serializers.DateTimeField(read_only=True, allow_null=True)
    trial_ends_at = serializers.DateTimeField(read_only=True, allow_null=True)
    suspended_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since when it is suspended; null: it is not. Its data is kept."
    )
    suspended_because = serializers.ChoiceField(
        SuspensionNotice.choices, read_only=True, allow_blank=True, help_text="Empty unless it is suspended."
    )
    deleted_at = serializers.DateTimeField(read_only=True, allow_null=True)
    health = HealthDocument(source="health_seen", read_only=True)
    operation = serializers.SerializerMethodField()

    @extend_schema_field(OperationLink(allow_null=True))
    def get_operation(self, instance: Instance) -> Any:
        live: list[Operation] = instance.live_operations  # type: ignore[attr-defined] # set by selectors.instances_of
        now = next(iter(sorted(live, key=lambda operation: operation.status not in ACTIVE)), None)
        return OperationLink(now, context=self.context).data if now else None


class OperationDocument(OperationLink):
    instance = serializers.CharField(source="instance_id", read_only=True)  # type: ignore[assignment] # a field, not the attribute
    created_at = serializers.DateTimeField(read_only=True)
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)
    waiting_for = serializers.CharField(
        read_only=True, help_text="Why a queued one does not run yet: completes the sentence “waiting for …”."
    )
    error = serializers.SerializerMethodField(help_text="Empty unless it stopped and needs a person of ours.")

    def get_error(self, operation: Operation) -> str:
        return operation_error(operation)


class StepDocument(serializers.Serializer[StepView]):
    """One step. It begins when all in `needs` are done; `waiting_for` completes the sentence "waiting for …"."""

    name = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(StepStatus.choices, read_only=True)
    needs = serializers.ListField(child=serializers.CharField(), read_only=True)
    waiting_for = serializers.CharField(read_only=True)
    elapsed_seconds = serializers.FloatField(read_only=True)
    expected_seconds = serializers.FloatField(read_only=True, help_text="The whole of the step, as a rule.")
    error = serializers.SerializerMethodField()

    def get_error(self, step: StepView) -> str:
        return step_error(step.status)


class ProgressDocument(serializers.Serializer[Progress]):
    """An operation with its steps, as of now."""

    elapsed_seconds = serializers.FloatField(read_only=True)
    remaining_seconds = serializers.FloatField(read_only=True, help_text="Along the longest path; 0 at its end.")
    share = serializers.FloatField(read_only=True, help_text="How much of it is done, 0 to 1.")
    steps = StepDocument(many=True, read_only=True)


class OperationWithSteps(OperationDocument):
    progress = serializers.SerializerMethodField()

    @extend_schema_field(ProgressDocument)
    def get_progress(self, operation: Operation) -> Any:
        return ProgressDocument(progress_of(operation)).data


class RegionDocument(serializers.Serializer[Any]):
    name = serializers.CharField(read_only=True, help_text="What goes into `region`.")
    title = serializers.CharField(read_only=True)


class RegionList(serializers.Serializer[Any]):
    results = RegionDocument(many=True, read_only=True)


class NameDocument(serializers.Serializer[NameVerdict]):
    slug = serializers.CharField(read_only=True)
    is_free = serializers.BooleanField(read_only=True)
    domain = serializers.CharField(read_only=True)
    sentence = serializers.CharField(read_only=True, help_text="Why it cannot be had, or that it is free.")


class TrialSent(Sent):
    slug = serializers.CharField(max_length=32, help_text="The instance's name: GET /names/{slug} says if it is free.")
    region = serializers.ChoiceField(Region.choices)


class WaitingDocument(serializers.Serializer[Waiting]):
    """A place on the waiting list for trials."""

    position = serializers.IntegerField(read_only=True, help_text="How many places from the front: the first is 1.")
    slug = serializers.CharField(source="request.slug", read_only=True)
    region = serializers.ChoiceField(Region.choices, source="request.region", read_only=True)
    note = serializers.CharField(
        source="request.note", read_only=True, help_text="What stands in the way of its turn; as a rule empty."
    )
    requested_at = serializers.DateTimeField(source="request.requested_at", read_only=True)


class TeardownSent(Sent):
    confirmation = serializers.CharField(
        max_length=32, help_text="The instance's slug, so that nothing goes by a slip."
    )
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    final_backup = serializers.BooleanField(
        required=False,
        default=None,
        allow_null=True,
        help_text=f"Whether its databases are exported first and kept for {KEPT_DAYS} days. When left out: of kind "
        "production they are, of others not. Refused on a cluster that you bring.",
    )


class PlanSent(Sent):
    kind = serializers.ChoiceField([(OperationKind.TEARDOWN.value, OperationKind.TEARDOWN.label)])


class InstanceFilter(serializers.Serializer[Any]):
    status = serializers.ChoiceField(InstanceStatus.choices, required=False)
    kind = serializers.ChoiceField(Kind.choices, required=False)


class ProblemDocument(serializers.Serializer[Any]):
    """An error, as in RFC 9457. `code` is stable; `detail` is a sentence for a person."""

    type = serializers.CharField(help_text="Where this kind of error is explained.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment] # a field, not the attribute
        child=serializers.ListField(child=serializers.CharField()), required=False, help_text="By field."
    )
    required_scope = serializers.CharField(required=False)
    request_id = serializers.CharField(allow_null=True)
