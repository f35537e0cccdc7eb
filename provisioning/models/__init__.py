"""Instances, what they are made of, and the operations that change them."""

from provisioning.models.access import Access
from provisioning.models.alerts import Alert, AlertRule, Notice, Silence
from provisioning.models.catalogue import Channel, Chart, Release, Size
from provisioning.models.certificates import Certificate
from provisioning.models.clusters import Cluster
from provisioning.models.domains import CustomDomain
from provisioning.models.health import Health, Outage, ProbeMinute, ProbeTally, UptimeDay
from provisioning.models.instances import (
    BUILT,
    ConnectionStatus,
    Instance,
    InstanceStatus,
    Kind,
    Region,
    StandbyRegion,
    SuspensionNotice,
    Tenancy,
    Weekday,
)
from provisioning.models.operations import (
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepAttempt,
    StepStatus,
)
from provisioning.models.rollouts import (
    Hold,
    PolicyStage,
    Rehearsal,
    Rollout,
    RolloutMember,
    RolloutPolicy,
    RolloutStage,
)
from provisioning.models.surveys import Leak, Survey
from provisioning.models.usage import Usage

__all__ = [
    "BUILT",
    "Access",
    "Alert",
    "AlertRule",
    "Certificate",
    "Channel",
    "Chart",
    "Cluster",
    "ConnectionStatus",
    "CustomDomain",
    "Health",
    "Hold",
    "Instance",
    "InstanceStatus",
    "Kind",
    "Leak",
    "Notice",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Outage",
    "PolicyStage",
    "ProbeMinute",
    "ProbeTally",
    "Region",
    "Rehearsal",
    "Release",
    "Rollout",
    "RolloutMember",
    "RolloutPolicy",
    "RolloutStage",
    "Silence",
    "Size",
    "StandbyRegion",
    "Step",
    "StepAttempt",
    "StepStatus",
    "Survey",
    "SuspensionNotice",
    "Tenancy",
    "UptimeDay",
    "Usage",
    "Weekday",
]
