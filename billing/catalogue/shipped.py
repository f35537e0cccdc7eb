"""Plans, features and prices to begin with. From the first start on they are the admins'; amounts are examples.

A year costs ten months. Values are keys of the upstream chart; what parts are, provisioning knows. What needs a part
that nobody can make yet is a draft: it is described and priced, and cannot be bought.
"""

from typing import Any, Final

MONTHS_A_YEAR_IS_PAID_FOR: Final = 10

# fmt: off
PLANS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "team", "title": "Team", "description": "For a team that wants to know its code.",
     "minimum_seats": 25, "sizes": ("xs", "s"), "uptime_promise": 9_950, "credit_percent": 5},
    {"name": "business", "title": "Business", "description": "For a company: two zones, batch changes included.",
     "minimum_seats": 50, "sizes": ("s", "s-ha", "m"), "features": ("batch-changes",),
     "uptime_promise": 9_990, "credit_percent": 10},
    {"name": "enterprise", "title": "Enterprise", "description": "For up to 5,000 people, and their auditors.",
     "minimum_seats": 100, "sizes": ("s-ha", "m", "l", "xl", "xxl"),
     "features": ("batch-changes", "code-insights", "custom-domain", "audit-retention"),
     "uptime_promise": 9_990, "credit_percent": 25},
)
FEATURES: Final[tuple[dict[str, Any], ...]] = (
    {"name": "batch-changes", "title": "Batch changes", "charge": "seat", "restarts": True,
     "summary": "One change in hundreds of repositories, followed until all of it is merged.",
     "effect": "The workers restart once; nobody is interrupted.", "can_be_tried": True,
     "values": {"worker": {"env": {"WORKER_JOB_BLOCKLIST": {"value": ""}}}}},
    {"name": "code-insights", "title": "Code insights", "charge": "seat", "restarts": True,
     "summary": "Trends of anything that a search can find, over time.",
     "effect": "Frontend and workers restart once; a query runner fills the past in over some days.",
     "can_be_tried": True,
     "values": {"frontend": {"env": {"DISABLE_CODE_INSIGHTS": {"value": "false"}}},
                "worker": {"env": {"DISABLE_CODE_INSIGHTS": {"value": "false"}}}}},
    {"name": "executors", "title": "Executors", "charge": "unit", "unit_title": "executor", "most_units": 20,
     "smallest_size": "s", "minimum_version": "5.5.0",
     "summary": "Machines that run batch changes and index code, apart from the instance.",
     "effect": "Nodes of their own are added; nothing restarts.", "parts": ["executors"]},
    {"name": "assistant", "title": "AI assistant", "charge": "seat", "minimum_version": "5.10.0",
     "summary": "Answers and completions that know the code base.",
     "effect": "Nothing restarts. Questions leave the instance for the model's provider. The application asks for a "
               "licence key that includes Cody, which a site admin sets.",
     "parts": ["assistant"]},
    {"name": "static-address", "title": "Static outbound address", "charge": "flat",
     "summary": "One address that the instance calls code hosts from, for their allow lists.",
     "effect": "Outgoing connections break once, and come from the new address.", "parts": ["static-address"]},
    {"name": "private-connectivity", "title": "Private connectivity", "charge": "flat", "plans": ("enterprise",),
     "summary": "A code host that is not on the internet, by Private Service Connect.",
     "effect": "A connection is made that your network team has to accept; then the name leads there.",
     "parts": ["private-connectivity"]},
    {"name": "custom-domain", "title": "Custom domain", "charge": "flat",
     "summary": "The instance under a name of your own.",
     "effect": "Single sign-on, webhooks and links break until a site admin has told them the other name.",
     "parts": ["custom-domain"]},
    {"name": "audit-retention", "title": "Extended audit log", "charge": "flat",
     "summary": "Audit events are kept for a year instead of 30 days.", "parts": ["log-retention"],
     "effect": "Nothing restarts."},
    {"name": "allow-list", "title": "Address allow list", "charge": "flat", "plans": ("business", "enterprise"),
     "summary": "The instance answers to your addresses only.", "parts": ["allow-list"],
     "effect": "While it is on, whoever comes from elsewhere is shut out, programs included."},
    {"name": "standby", "title": "Disaster-recovery standby", "charge": "flat", "plans": ("enterprise",),
     "smallest_size": "m", "summary": "A second place, in another region, that can take over.",
     "effect": "Nothing restarts; the first copy takes some hours. It needs the present infrastructure (1.1 or newer).",
     "parts": ["standby"]},
)
# Cents a month in US dollars.
MONTHLY_CENTS: Final = {
    "team": 19_00, "business": 39_00, "enterprise": 59_00,
    "batch-changes": 6_00, "code-insights": 5_00, "executors": 240_00, "assistant": 19_00, "static-address": 60_00,
    "private-connectivity": 600_00, "custom-domain": 50_00, "audit-retention": 150_00, "allow-list": 100_00,
    "standby": 2_400_00,
}
# fmt: on
