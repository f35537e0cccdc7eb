"""The documents of features and exports: how an instance stands with them, and what is asked for about them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from billing.selectors.entitlements import Held, Stands
from billing.terms.entitlements import Source
from portal.api.serializers import Sent
from provisioning.fleet.exports import Export

STANDS = {
    Stands.UNTOLD: "Wanted, and waits for you: `asks` has something that `details` lacks.",
    Stands.WAITING: "Wanted and told of, and waits for you elsewhere: for a record in your DNS.",
    Stands.ON: "Switched on.",
    Stands.CHANGING: "On its way on or off.",
    Stands.ENTITLED: "Yours to switch on.",
    Stands.FOR_SALE: "Can be added to the subscription, in the browser.",
    Stands.REFUSED: "`refusal` says why this instance cannot have it.",
}


class FeatureDocument(serializers.Serializer[Held]):
    """A feature as the instance has it, or could have it."""

    name = serializers.CharField(source="feature.name", read_only=True)
    title = serializers.CharField(source="feature.title", read_only=True)
    stands = serializers.ChoiceField(
        [each.value for each in Stands],
        read_only=True,
        help_text=" ".join(f"`{each.value}`: {said}" for each, said in STANDS.items()),
    )
    source = serializers.ChoiceField(  # type: ignore[assignment] # a field, not the attribute
        [each.value for each in Source],
        source="entitlement.source",
        default=None,
        read_only=True,
        allow_null=True,
        help_text="What it is had from; null: it is not.",
    )
    until = serializers.DateTimeField(read_only=True, allow_null=True, help_text="When it ends; null: with nothing.")
    is_wanted = serializers.SerializerMethodField()
    asks = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="What you have to tell in `details`, by name."
    )
    details = serializers.DictField(source="told", read_only=True, help_text="What you have told.")
    restarts = serializers.BooleanField(
        source="feature.restarts", read_only=True, help_text="Whether parts of the application restart for it."
    )
    effect = serializers.CharField(source="feature.effect", read_only=True)
    refusal = serializers.CharField(source="offer.refusal", read_only=True)

    def get_is_wanted(self, held: Held) -> bool:
        return held.opt_in is not None


class FeatureList(serializers.Serializer[Any]):
    results = FeatureDocument(many=True, read_only=True)


class FeatureSent(Sent):
    is_wanted = serializers.BooleanField(help_text="Whether it is to be on.")
    details = serializers.DictField(
        required=False, default=None, allow_null=True, help_text="All that `asks` names; left out, they stay."
    )


class ExportFileDocument(serializers.Serializer[Any]):
    """A database's file, as compressed SQL. `url` leads there: it needs the token, and answers where it can be read."""

    database = serializers.CharField(read_only=True)
    url = serializers.URLField(read_only=True)


class ExportDocument(serializers.Serializer[Export]):
    """Databases of one moment. `id` is its operation's."""

    id = serializers.CharField(source="key", read_only=True)
    taken_at = serializers.DateTimeField(read_only=True)
    kept_until = serializers.DateTimeField(read_only=True)
    bytes = serializers.IntegerField(read_only=True)
    is_final_backup = serializers.BooleanField(read_only=True)
    files = serializers.SerializerMethodField()

    @extend_schema_field(ExportFileDocument(many=True))
    def get_files(self, export: Export) -> list[dict[str, str]]:
        return [{"database": name, "url": self._address(export, name)} for name in export.databases]

    def _address(self, export: Export, database: str) -> str:
        instance_id, request = self.context["instance_id"], self.context["request"]
        return reverse("api:export-file", args=[instance_id, export.key, database], request=request)


class ExportList(serializers.Serializer[Any]):
    """`refusal` says why no other one can be asked for just now; empty: one can."""

    refusal = serializers.CharField(read_only=True)
    results = ExportDocument(many=True, read_only=True)


class ExportPlaceDocument(serializers.Serializer[Any]):
    """Where a file can be read, by whoever has the address, for so long."""

    url = serializers.URLField(read_only=True)
    expires_in_seconds = serializers.IntegerField(read_only=True)
