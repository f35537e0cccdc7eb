"""Everything that reads instances and operations, scoped by who asks."""

from provisioning.selectors.instances import instance_for, instances_of, operation_for, operations_of
from provisioning.selectors.progress import Lane, Progress, StepView, progress_of

__all__ = [
    "Lane",
    "Progress",
    "StepView",
    "instance_for",
    "instances_of",
    "operation_for",
    "operations_of",
    "progress_of",
]
