"""1.0: nodes and the database server have public addresses, and Cloud SQL alone is backed up.

Nobody is let in by address all the same: a network of ours has no rule that lets anybody reach a node, and the database
server authorizes no network at all. What reaches it is Cloud SQL's own proxy, which IAM admits and which encrypts.
"""

from typing import Final

from provisioning.fleet.architectures.architecture import Architecture

ARCHITECTURE: Final = Architecture(
    number="1.0",
    came_from="",
    private_nodes=False,
    private_database=False,
    workload_identity=False,
    backup_plan=False,
    usage_pings=False,
)
