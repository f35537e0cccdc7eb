"""1.2: the instance counts how it is used, and tells the numbers once an hour (decision 15). All else is as in 1.1."""

from typing import Final

from provisioning.fleet.architectures.architecture import Architecture

ARCHITECTURE: Final = Architecture(
    number="1.2",
    came_from="1.1",
    private_nodes=True,
    private_database=True,
    workload_identity=True,
    backup_plan=True,
    usage_pings=True,
)
