"""Links between the admin's pages."""

from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from provisioning.models import Instance, Operation


def list_address(model: str, **query: str | int) -> str:
    """The list of a model, for example `provisioning_instance`, filtered."""
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def address_of(row: Model) -> str:
    """The page of a row."""
    meta = row._meta  # noqa: SLF001 - Django's documented model API
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def instance_link(instance: Instance) -> SafeString:
    return format_html('<a href="{}" class="link whole">{}</a>', address_of(instance), instance.slug)


def operation_link(operation: Operation) -> SafeString:
    return format_html('<a href="{}" class="link">{}</a>', address_of(operation), operation.kind)
