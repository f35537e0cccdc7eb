"""All services, imported so that the table of handlers is full."""

from importlib import import_module

from devcloud.google.call import HANDLERS

_MODULES = (
    "backups",
    "bigquery",
    "bucket_policies",
    "buckets",
    "cluster_updates",
    "clusters",
    "compute_inventory",
    "connections",
    "databases",
    "iam",
    "liens",
    "log_buckets",
    "managed_zones",
    "monitoring",
    "networks",
    "node_pool_updates",
    "node_pools",
    "objects",
    "operation_methods",
    "price_list",
    "private_endpoints",
    "projects",
    "record_sets",
    "restores",
    "secrets",
    "security_policies",
    "sql_backups",
    "sql_contents",
    "sql_exports",
    "sql_nights",
    "sql_promotions",
    "time_series",
    "usage",
)

for _name in _MODULES:
    import_module(f"devcloud.google.services.{_name}")

__all__ = ["HANDLERS"]
