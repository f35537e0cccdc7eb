"""The places that devcloud has."""

from devcloud.google.errors import invalid

REGIONS = {
    "us-central1": "abcf",
    "us-east1": "bcd",
    "us-west1": "abc",
    "europe-west1": "bcd",
    "europe-west2": "abc",
    "europe-west3": "abc",
    "europe-west4": "abc",
    "asia-northeast1": "abc",
    "asia-northeast2": "abc",
    "asia-southeast1": "abc",
    "australia-southeast1": "abc",
    "australia-southeast2": "abc",
    "northamerica-northeast1": "abc",
    "southamerica-east1": "abc",
}


def zones(region: str) -> list[str]:
    return [f"{region}-{letter}" for letter in REGIONS[region]]


def region_of(location: str) -> str:
    """The region of a region or zone. Raises GoogleError 400 for a place that isn't there."""
    if location in REGIONS:
        return location
    region, _, letter = location.rpartition("-")
    if letter not in REGIONS.get(region, ()) or not letter:
        raise invalid(f"Location '{location}' does not exist.", "location")
    return region
