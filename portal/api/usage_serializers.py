"""The document of how an instance is used."""

from typing import Any

from rest_framework import serializers

from billing.selectors.seats import SeatUse
from provisioning.fleet.figures import COLLECTED
from provisioning.models import Usage


class FiguresDocument(serializers.Serializer[dict[str, int]]):
    """Numbers alone; null for what was not counted."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            figure.name: serializers.IntegerField(
                read_only=True, allow_null=True, default=None, help_text=f"{figure.title}."
            )
            for figure in COLLECTED
        }


class SeatsDocument(serializers.Serializer[SeatUse]):
    """Nothing is ever blocked: `used` may be more than `paid`."""

    paid = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null without a subscription.")
    used = serializers.IntegerField(read_only=True, allow_null=True, help_text="Accounts by the newest count.")
    over_since = serializers.DateField(
        source="overuse.began_on", default=None, read_only=True, allow_null=True, help_text="Null: there are enough."
    )


class DayDocument(serializers.Serializer[Usage]):
    """What was counted last on a day, by UTC."""

    day = serializers.DateField(read_only=True)
    counted_at = serializers.DateTimeField(read_only=True)
    figures = FiguresDocument(read_only=True)


class UsageDocument(serializers.Serializer[SeatUse]):
    """How the instance is used, as it counts that itself once an hour."""

    seats = SeatsDocument(source="*", read_only=True)
    newest = DayDocument(read_only=True, allow_null=True, help_text="Null: it was not counted yet.")
    days = DayDocument(source="counts", many=True, read_only=True, help_text="The last 30 days, the oldest first.")
