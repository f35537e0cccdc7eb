"""The sizes and releases that the portal ships with.

What the infrastructure of a size costs is not said here: billing reckons it when the catalogue is loaded.
"""

from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from provisioning.fleet.charts import fetch, is_looked_up, pin
from provisioning.fleet.policies import load_policies
from provisioning.models import Chart, Release, Size
from provisioning.signals import catalogue_loaded

# fmt: off
SIZES: Final[tuple[dict[str, Any], ...]] = (
    {"name": "xs", "users": 50, "machine_type": "e2-highmem-4", "node_count": 1,
     "sql_tier": "db-custom-1-4096", "sql_disk_gb": 20, "sql_is_highly_available": False,
     "gitserver_disk_gb": 50, "search_disk_gb": 30, "disk_type": "pd-balanced",
     "frontend_replicas": 1, "cpu_share_percent": 100},
    {"name": "s", "users": 100, "machine_type": "e2-standard-8", "node_count": 1,
     "sql_tier": "db-custom-2-7680", "sql_disk_gb": 50, "sql_is_highly_available": False,
     "gitserver_disk_gb": 150, "search_disk_gb": 80, "disk_type": "pd-balanced",
     "frontend_replicas": 1, "cpu_share_percent": 180},
    {"name": "s-ha", "users": 100, "machine_type": "e2-standard-8", "node_count": 1,
     "sql_tier": "db-custom-2-7680", "sql_disk_gb": 50, "sql_is_highly_available": True,
     "gitserver_disk_gb": 150, "search_disk_gb": 80, "disk_type": "pd-balanced",
     "frontend_replicas": 1, "cpu_share_percent": 180},
    {"name": "m", "users": 500, "machine_type": "e2-standard-8", "node_count": 2,
     "sql_tier": "db-custom-4-15360", "sql_disk_gb": 150, "sql_is_highly_available": True,
     "gitserver_disk_gb": 500, "search_disk_gb": 230, "disk_type": "pd-balanced",
     "frontend_replicas": 2, "cpu_share_percent": 280},
    {"name": "l", "users": 1_000, "machine_type": "e2-standard-8", "node_count": 3,
     "sql_tier": "db-custom-4-16384", "sql_disk_gb": 250, "sql_is_highly_available": True,
     "gitserver_disk_gb": 1_000, "search_disk_gb": 430, "disk_type": "pd-ssd",
     "frontend_replicas": 2, "cpu_share_percent": 420},
    {"name": "xl", "users": 2_500, "machine_type": "e2-standard-16", "node_count": 2,
     "sql_tier": "db-custom-8-32768", "sql_disk_gb": 500, "sql_is_highly_available": True,
     "gitserver_disk_gb": 2_100, "search_disk_gb": 830, "disk_type": "pd-ssd",
     "frontend_replicas": 3, "cpu_share_percent": 600},
    {"name": "xxl", "users": 5_000, "machine_type": "n2-standard-16", "node_count": 3,
     "sql_tier": "db-custom-8-32768", "sql_disk_gb": 1_000, "sql_is_highly_available": True,
     "gitserver_disk_gb": 4_200, "search_disk_gb": 1_700, "disk_type": "pd-ssd",
     "frontend_replicas": 4, "cpu_share_percent": 850},
)
RELEASES: Final[tuple[dict[str, Any], ...]] = (
    {"app_version": "5.10.0", "kind": Release.Kind.MINOR, "released_at": datetime(2024, 11, 18, tzinfo=UTC)},
    {"app_version": "5.10.1", "kind": Release.Kind.PATCH, "released_at": datetime(2024, 12, 3, tzinfo=UTC)},
    {"app_version": "5.11.0", "kind": Release.Kind.MINOR, "released_at": datetime(2024, 12, 19, tzinfo=UTC)},
)
# fmt: on


@transaction.atomic
def load_catalogue() -> None:
    """Every size of ours stands in the database as it is here, and what was not known of releases and policies.

    What others added stays, and so does a release that is known: it was imported once. Raises Invalid when CHART names
    no chart.
    """
    for position, size in enumerate(SIZES, start=1):
        Size.objects.update_or_create(name=size["name"], defaults={**size, "position": position})
    load_policies()
    fetched: dict[tuple[str, str], Chart] = {}
    known = set(Release.objects.filter(chart__isnull=False).values_list("app_version", flat=True))
    for release in RELEASES:
        version = release["app_version"]
        if version not in known:
            chart = _chart(version, fetched)
            pinned = {"chart": chart, "chart_version": chart.version, "status": Release.Status.PUBLISHED}
            Release.objects.update_or_create(app_version=version, defaults={**release, **pinned})
    catalogue_loaded.send(sender=None)


def chart_for(version: str, reference: str = "") -> tuple[str, str]:
    """Where the chart for a version is, by CHART unless said otherwise, and which version of it to ask for.

    `{version}` in a reference stands for the version. A path or an archive is taken as it is, of whatever version it
    is; a repository or registry is asked for the chart of the same version.
    """
    reference = (reference or str(settings.CHART)).replace("{version}", version)
    return reference, version if is_looked_up(reference) else ""


def _chart(version: str, fetched: dict[tuple[str, str], Chart]) -> Chart:
    wanted = chart_for(version)
    if wanted not in fetched:
        fetched[wanted] = pin(fetch(*wanted))
    return fetched[wanted]
