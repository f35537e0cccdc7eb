"""The admin's sidebar."""

import functools
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from provisioning.admin.attention import needing_attention

GROUPS = {
    "Fleet": (
        ("Overview", "dashboard", "index"),
        ("Instances", "dns", "provisioning_instance_changelist"),
        ("Operations", "account_tree", "provisioning_operation_changelist"),
        ("Unstick desk", "build_circle", "provisioning_operation_desk"),
        ("Drift", "difference", "provisioning_survey_changelist"),
        ("Leaks", "leak_add", "provisioning_leak_changelist"),
        ("Clusters", "hub", "provisioning_cluster_changelist"),
        ("Custom domains", "language", "provisioning_customdomain_changelist"),
        ("Sizes", "straighten", "provisioning_size_changelist"),
    ),
    "Health": (
        ("Alerts", "notifications", "provisioning_alert_changelist"),
        ("Service level", "speed", "provisioning_alert_slo"),
        ("Canary", "flutter_dash", "canary_canaryrun_changelist"),
        ("Rules", "rule", "provisioning_alertrule_changelist"),
        ("Silences", "notifications_off", "provisioning_silence_changelist"),
        ("Notices", "send", "provisioning_notice_changelist"),
        ("Access", "visibility", "provisioning_access_changelist"),
    ),
    "Updates": (
        ("Rollouts", "rocket_launch", "provisioning_rollout_changelist"),
        ("Releases", "new_releases", "provisioning_release_changelist"),
        ("Holds", "back_hand", "provisioning_hold_changelist"),
        ("Policies", "stairs", "provisioning_rolloutpolicy_changelist"),
    ),
    "Customers": (
        ("Organizations", "apartment", "core_organization_changelist"),
        ("People", "group", "core_user_changelist"),
        ("API tokens", "key", "core_apitoken_changelist"),
    ),
    "Trials": (
        ("Waiting list", "hourglass_top", "billing_trialrequest_changelist"),
        ("Extensions", "more_time", "billing_trialextension_changelist"),
        ("Trial policy", "tune", "billing_trialpolicy_changelist"),
    ),
    "Money": (
        ("Standing", "account_balance_wallet", "billing_upkeep_changelist"),
        ("Costs", "payments", "billing_instancecosts_changelist"),
        ("Credits for uptime", "redeem", "billing_slacredit_changelist"),
        ("Accounts", "credit_card", "billing_account_changelist"),
        ("Plans", "workspace_premium", "billing_plan_changelist"),
        ("Features", "extension", "billing_feature_changelist"),
        ("Adoption", "trending_up", "billing_feature_adoption"),
        ("Prices", "sell", "billing_price_changelist"),
        ("Prices of Google", "receipt_long", "billing_unitprice_changelist"),
        ("Syncs", "sync", "billing_sync_changelist"),
        ("Events", "bolt", "billing_stripeevent_changelist"),
    ),
    "System": (
        ("Audit", "history", "core_auditevent_changelist"),
        ("Mail", "mail", "core_mail_changelist"),
        ("Certificates", "verified", "provisioning_certificate_changelist"),
    ),
}


TROUBLES, TROUBLES_SECONDS = "needing-attention", 10  # every page has the badge, and it takes a look at the whole fleet


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups and their pages, in unfold's form. How many operations need a person stands beside the desk."""
    troubles = cache.get_or_set(TROUBLES, lambda: needing_attention().count(), TROUBLES_SECONDS)
    badges = {"Unstick desk": {"badge": str(troubles), "badge_variant": "danger"}} if troubles else {}
    here = _here(request.path)
    return [
        {
            "title": title,
            "items": [
                {"title": name, "icon": icon, "link": link, "active": link == here, **badges.get(name, {})}
                for name, icon, link in map(_item, pages)
            ],
        }
        for title, pages in GROUPS.items()
    ]


def _here(address: str) -> str:
    """The page of the sidebar that the address is in: the desk lies below the operations."""
    index = reverse("admin:index")
    if address == index:
        return index
    links = [link for pages in GROUPS.values() for _, _, link in map(_item, pages) if link != index]
    return max((link for link in links if address.startswith(link)), key=len, default="")


@functools.cache
def _item(page: tuple[str, str, str]) -> tuple[str, str, str]:
    title, icon, route = page
    return title, icon, reverse(f"admin:{route}")
