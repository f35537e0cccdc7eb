"""The admin of the fleet: instances, operations with every step and try, drift, leaks, what instances are made of."""

from provisioning.admin import (
    access,
    alerts,
    catalogue,
    certificates,
    clusters,
    domains,
    drift,
    holds,
    instances,
    leaks,
    operations,
    policies,
    rollouts,
)

__all__ = [
    "access",
    "alerts",
    "catalogue",
    "certificates",
    "clusters",
    "domains",
    "drift",
    "holds",
    "instances",
    "leaks",
    "operations",
    "policies",
    "rollouts",
]
