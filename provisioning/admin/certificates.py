"""Certificates of deletion: kept for good, and never changed."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core.admin.pages import ReadOnlyPage
from portal.core.admin.words import when
from provisioning.admin.links import instance_link, operation_link
from provisioning.models import Certificate


@admin.register(Certificate)
class CertificatePage(ReadOnlyPage):
    list_display = ("id", "whose", "objects_count", "issued")
    search_fields = ("id", "instance__id", "instance__slug", "instance__organization__name", "digest")
    search_help_text = "Its id or digest, instance or organization"
    fields = (("of", "by"), ("issued", "objects_count"), "digest")
    readonly_fields = ("of", "by", "issued", "objects_count")
    change_form_template = "admin/certificate.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        rows: QuerySet[Certificate] = super().get_queryset(request)
        return rows.select_related("instance__organization", "operation")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        certificate = Certificate.objects.filter(pk=unquote(object_id)).first()
        lines = [
            {**line, "confirmed_at": _moment(line["confirmed_at"]), "asked_at": _moment(line["asked_at"])}
            for line in (certificate.lines if certificate else ())
        ]
        answer: HttpResponseBase = super().change_view(
            request, object_id, form_url, {"lines": lines, **(extra_context or {})}
        )
        return answer

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, certificate: Certificate) -> SafeString:
        name = certificate.instance.organization.name
        return format_html('{}<br><span class="id whole">{}</span>', certificate.instance.slug, name)

    @admin.display(description="Instance")
    def of(self, certificate: Certificate) -> SafeString:
        return instance_link(certificate.instance)

    @admin.display(description="Issued by")
    def by(self, certificate: Certificate) -> SafeString:
        return operation_link(certificate.operation)

    @admin.display(description="Objects")
    def objects_count(self, certificate: Certificate) -> int:
        return sum(bool(line["resource"]) for line in certificate.lines)

    @admin.display(description="Issued", ordering="issued_at")
    def issued(self, certificate: Certificate) -> SafeString | str:
        return when(certificate.issued_at)


def _moment(text: str | None) -> Any:
    return parse_datetime(text) if text else None
