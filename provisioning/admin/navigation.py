"""The admin's sidebar."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from provisioning.admin.attention import needing_attention

GROUPS = {
    "Fleet": (
        ("Overview", "dashboard", "index"),
        ("Instances", "dns", "provisioning_instance_changelist"),
        ("Operations", "account_tree", "provisioning_operation_changelist"),
        ("Clusters", "hub", "provisioning_cluster_changelist"),
        ("Releases", "new_releases", "provisioning_release_changelist"),
        ("Sizes", "straighten", "provisioning_size_changelist"),
    ),
    "Customers": (
        ("Organizations", "apartment", "core_organization_changelist"),
        ("People", "group", "core_user_changelist"),
        ("API tokens", "key", "core_apitoken_changelist"),
    ),
    "System": (
        ("Audit", "history", "core_auditevent_changelist"),
        ("Mail", "mail", "core_mail_changelist"),
    ),
}


def navigation(_request: HttpRequest) -> list[dict[str, Any]]:
    """The groups and their pages, in unfold's form. How many operations need a person stands beside them."""
    troubles = needing_attention().count()
    badges = {"Operations": {"badge": str(troubles), "badge_variant": "danger"}} if troubles else {}
    return [
        {"title": title, "items": [{**_item(*page), **badges.get(page[0], {})} for page in pages]}
        for title, pages in GROUPS.items()
    ]


def _item(title: str, icon: str, route: str) -> dict[str, str]:
    return {"title": title, "icon": icon, "link": reverse(f"admin:{route}")}
