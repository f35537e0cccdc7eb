"""Links between the admin's pages."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from provisioning.models import Instance, Operation


def list_address(model: str, **query: str | int) -> str:
    """The list of a model, for example `provisioning_instance`, filtered."""
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def instance_link(instance: Instance) -> SafeString:
    address = reverse("admin:provisioning_instance_change", args=[instance.pk])
    return format_html('<a href="{}" class="link whole">{}</a>', address, instance.slug)


def operation_link(operation: Operation) -> SafeString:
    address = reverse("admin:provisioning_operation_change", args=[operation.pk])
    return format_html('<a href="{}" class="link">{}</a>', address, operation.kind)
