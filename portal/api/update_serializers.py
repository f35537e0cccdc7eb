"""The documents of updates: what is planned, what was done, and what is asked for about them."""

from dataclasses import dataclass

from rest_framework import serializers

from portal.api.serializers import WEEKDAYS, OperationLink, Sent
from provisioning.models import Channel, Operation
from provisioning.selectors.planned import Planned


@dataclass(frozen=True)
class Updates:
    """What is planned, the soonest first, and what was done, the newest first."""

    planned: list[Planned]
    done: list[Operation]


class PlannedUpdateDocument(serializers.Serializer[Planned]):
    """An update to come. It happens between `starts_at` and `ends_at`, as far as can be told now."""

    id = serializers.CharField(source="member.rollout_id", read_only=True)
    title = serializers.CharField(read_only=True)
    starts_at = serializers.DateTimeField(read_only=True)
    ends_at = serializers.DateTimeField(read_only=True)
    expected_downtime_seconds = serializers.FloatField(read_only=True)
    is_urgent = serializers.BooleanField(
        source="member.rollout.is_emergency",
        read_only=True,
        help_text="It asks for no window and cannot be postponed.",
    )
    postponed_until = serializers.DateTimeField(source="member.not_before", read_only=True, allow_null=True)


class SeenDocument(serializers.Serializer[Operation]):
    """What was seen from outside meanwhile: how often it was looked at, and how many of those looks failed."""

    looks = serializers.IntegerField(source="probes", read_only=True, help_text="0: it was not watched.")
    failed = serializers.IntegerField(source="failed_probes", read_only=True)
    downtime_seconds = serializers.FloatField(read_only=True)


class DoneUpdateDocument(OperationLink):
    """An update that was begun, as its operation."""

    version = serializers.CharField(source="wanted.app_version", read_only=True, help_text="What it was to have then.")
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)
    seen_from_outside = SeenDocument(source="*", read_only=True)


class UpdatesDocument(serializers.Serializer[Updates]):
    """What is planned, the soonest first, and the latest that were begun, the newest first."""

    planned = PlannedUpdateDocument(many=True, read_only=True)
    done = DoneUpdateDocument(many=True, read_only=True)


class MaintenanceSent(Sent):
    """What is left out stays as it is."""

    channel = serializers.ChoiceField(
        Channel.choices, required=False, help_text="Early or stable; the others are ours to give."
    )
    weekday = serializers.ChoiceField(WEEKDAYS, required=False, allow_null=True, help_text="Null: any day.")
    hour = serializers.IntegerField(required=False, min_value=0, max_value=23)
    time_zone = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="An IANA name; empty: its region's."
    )

    def validate_weekday(self, name: str | None) -> int | None:
        """As its number."""
        return None if name is None else [known for known, _ in WEEKDAYS].index(name)


class PostponementSent(Sent):
    until = serializers.DateTimeField(allow_null=True, help_text="Not before then; null: as soon as it may come.")
    update = serializers.CharField(  # type: ignore[assignment] # a field, not the method
        required=False, max_length=24, help_text="The id of one of those planned; by default the next."
    )
