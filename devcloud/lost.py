"""Regions that are lost: nothing in them answers, nor do the clusters and servers that stand there.

What is global goes on, and so does what another region has of it: backups that are kept there, and replicas.
"""

import re

from devcloud.cloud import Cloud

LOST = "regions.lost"
_PLACE = re.compile(r"/(?:locations|regions|zones)/([a-z0-9-]+)")
_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")


def set_lost(cloud: Cloud, region: str, *, is_lost: bool) -> None:
    """Whether the region is lost from now on."""
    if is_lost:
        cloud.store.put(LOST, region, {"lost": True})
    else:
        cloud.store.delete(LOST, region)


def is_lost(cloud: Cloud, place: str) -> bool:
    """Whether a region, or the region of a zone, is lost."""
    found = _ZONE.fullmatch(place)
    return cloud.store.get(LOST, found[1] if found else place) is not None


def is_cluster_lost(cloud: Cloud, cluster_id: str) -> bool:
    """Whether the cluster (PROJECT.LOCATION.NAME) stands where all is lost."""
    return is_lost(cloud, f"{cluster_id}..".split(".")[1])


def place_in(name: str) -> str:
    """The place that a full name says; empty where it says none, or all."""
    found = _PLACE.search(name)
    return found[1] if found else ""
