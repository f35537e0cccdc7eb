"""The admin of the fleet: instances, operations with every step and try, clusters, and what instances are made of."""

from provisioning.admin import catalogue, clusters, instances, operations

__all__ = ["catalogue", "clusters", "instances", "operations"]
