"""What devcloud still knows of an instance, counted by itself and not through the client that deleted it."""

from tests.stack.devcloud import RunningDevcloud

# What may name an instance after its end: the project, which is about to be purged, and what goes with it and bears
# neither data nor cost; marks that names were used; journals; the stand-in application's memory of its accounts, which
# in life are rows of the database that is gone.
OUTLIVES = (
    "access_tokens",
    "applications",
    "cloudbilling.projects",
    "cloudresourcemanager.",
    "compute.requests",
    "dns.changes",
    "iam.",
    "operations",
    "secretmanager.",
    "servicenetworking.lingering",
    "serviceusage.services",
    "sql.tombstones",
    "timers",
)


def left_of(instance_id: str, devcloud: RunningDevcloud) -> list[str]:
    """`collection key` of each document that names the instance and should be gone."""
    documents = devcloud.control("GET", f"documents?naming={instance_id}")["documents"]
    named = [(document["collection"], document["key"]) for document in documents]
    return [f"{collection} {key}" for collection, key in named if not collection.startswith(OUTLIVES)]
