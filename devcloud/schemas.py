"""What the application's databases hold, as far as it matters here: the version that their schema was migrated to.

A database is known by the full name of its Cloud SQL instance or, inside a cluster, as CLUSTER/NAMESPACE/CLAIM. A
release whose schema the version before cannot run on is told by the control API.
"""

import re

from devcloud.cloud import Cloud

SCHEMAS = "schemas"
INCOMPATIBLE = "schemas.incompatible"
_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)")

Order = tuple[int, ...]


def order_of(version: str) -> Order:
    """A key that sorts versions; empty for what is none, such as the tag “latest”."""
    found = _NUMBERS.match(version)
    return tuple(int(number) for number in found.groups()) if found else ()


def schema_at(cloud: Cloud, database: str) -> str:
    """The version of the database's schema; empty before the first migration."""
    return str((cloud.store.get(SCHEMAS, database) or {}).get("version", ""))


def migrate(cloud: Cloud, database: str, version: str) -> None:
    """The schema is of that version at least: a migrator only ever goes forward."""
    if order_of(version) > order_of(schema_at(cloud, database)):
        set_schema(cloud, database, version)


def set_schema(cloud: Cloud, database: str, version: str) -> None:
    """The schema is of that version, as after a restore; with an empty one the database is new."""
    if version:
        cloud.store.put(SCHEMAS, database, {"version": version})
    else:
        cloud.store.delete(SCHEMAS, database)


def runs_on(cloud: Cloud, database: str, version: str) -> bool:
    """Whether the application of that version can start: the schema is as new, and no newer one is in its way."""
    own, schema = order_of(version), order_of(schema_at(cloud, database))
    if schema < own:
        return False
    return not any(own < order_of(breaking) <= schema for breaking, _document in cloud.store.items(INCOMPATIBLE))


def set_incompatible(cloud: Cloud, versions: list[str]) -> None:
    """On the schemas of these, and of no other releases, the version before cannot run."""
    for known, _document in cloud.store.items(INCOMPATIBLE):
        cloud.store.delete(INCOMPATIBLE, known)
    for version in versions:
        cloud.store.put(INCOMPATIBLE, version, {})
