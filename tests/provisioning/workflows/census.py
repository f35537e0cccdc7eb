"""What devcloud still knows of an instance, counted by itself and not through the client that deleted it."""

from tests.stack.devcloud import RunningDevcloud
from tools.chaos.census import OUTLIVES


def left_of(instance_id: str, devcloud: RunningDevcloud) -> list[str]:
    """`collection key` of each document that names the instance and should be gone."""
    documents = devcloud.control("GET", f"documents?naming={instance_id}")["documents"]
    named = [(document["collection"], document["key"]) for document in documents]
    return [f"{collection} {key}" for collection, key in named if not collection.startswith(OUTLIVES)]
