"""What a template of the infrastructure is described by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One template: what the steps build where they differ from template to template; the rest is the same in all.

    `came_from` is the number of the one that instances are moved from; empty for the first. Each part is asked for by
    name in the steps, so that a part is written once, however many templates have it.
    """

    number: str
    came_from: str
    private_nodes: bool  # the nodes have no public address and go out through the gateway
    private_database: bool  # Cloud SQL is in the network, without a public address; else pods go through its proxy
    workload_identity: bool  # pods are no longer the nodes' service account
    backup_plan: bool  # Backup for GKE keeps the volumes; the databases are backed up by Cloud SQL in any case
    usage_pings: bool  # it counts how it is used, and tells the numbers (decision 15)
