"""1.1: neither nodes nor the database server can be reached from outside, and the volumes are backed up every day."""

from typing import Final

from provisioning.fleet.architectures.architecture import Architecture

ARCHITECTURE: Final = Architecture(
    number="1.1",
    came_from="1.0",
    private_nodes=True,
    private_database=True,
    workload_identity=True,
    backup_plan=True,
    usage_pings=False,
)
