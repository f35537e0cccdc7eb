"""Instances, what they are made of, and the operations that change them."""

from provisioning.models.catalogue import Release, Size
from provisioning.models.certificates import Certificate
from provisioning.models.clusters import Cluster
from provisioning.models.instances import Channel, Instance, InstanceStatus, Kind, Region, Tenancy
from provisioning.models.operations import (
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepAttempt,
    StepStatus,
)
from provisioning.models.surveys import Leak, Survey

__all__ = [
    "Certificate",
    "Channel",
    "Cluster",
    "Instance",
    "InstanceStatus",
    "Kind",
    "Leak",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Region",
    "Release",
    "Size",
    "Step",
    "StepAttempt",
    "StepStatus",
    "Survey",
    "Tenancy",
]
