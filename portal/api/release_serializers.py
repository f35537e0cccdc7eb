"""The documents of releases."""

from rest_framework import serializers

from portal.api.serializers import Sent
from provisioning.models import Chart, Release
from provisioning.models.catalogue import RELEASED_TO


class ReleaseDocument(serializers.Serializer[Release]):
    """One version of the application. `channel` is the most cautious one that gets it."""

    version = serializers.CharField(source="app_version", read_only=True)
    kind = serializers.ChoiceField(Release.Kind.choices, read_only=True)
    channel = serializers.ChoiceField(RELEASED_TO, read_only=True)
    notes = serializers.CharField(read_only=True, help_text="Markdown.")
    released_at = serializers.DateTimeField(read_only=True)


class ChartDocument(serializers.Serializer[Chart]):
    name = serializers.CharField(read_only=True)
    version = serializers.CharField(read_only=True)
    digest = serializers.CharField(read_only=True, help_text="SHA-256 of its archive, as hex digits.")
    source = serializers.CharField(  # type: ignore[assignment] # a field, not the attribute
        read_only=True, help_text="Where it was fetched from."
    )


class ImportedReleaseDocument(ReleaseDocument):
    """A release as our staff sees it."""

    status = serializers.ChoiceField(Release.Status.choices, read_only=True)
    minimum_version = serializers.CharField(read_only=True)
    schema_is_compatible = serializers.BooleanField(read_only=True)
    chart = ChartDocument(read_only=True, allow_null=True)


class ReleaseSent(Sent):
    version = serializers.CharField(max_length=40, help_text="Of the application, such as 5.11.0.")
    chart = serializers.CharField(
        max_length=400,
        required=False,
        default="",
        allow_blank=True,
        help_text="oci://registry/chart, https://repository/chart, or a path on the server. Empty: as it is set there.",
    )
    chart_version = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True, help_text="Empty: as `version`."
    )
    kind = serializers.ChoiceField(
        Release.Kind.choices, required=False, default="", allow_blank=True, help_text="Empty: by its version."
    )
    notes = serializers.CharField(max_length=20_000, required=False, default="", allow_blank=True)
    minimum_version = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    schema_is_compatible = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Null: unless its kind is major."
    )
    channel = serializers.ChoiceField(RELEASED_TO, required=False, default="stable")
