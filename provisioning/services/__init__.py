"""Everything that changes an instance, by subject. Pages, API, admin and tasks all call these and nothing below."""

from provisioning.services.clusters import cluster_add
from provisioning.services.instances import instance_create, instance_delete, trial_start
from provisioning.services.names import NameVerdict, check_slug
from provisioning.services.operations import (
    operation_cancel,
    operation_request,
    operation_retry,
    operation_skip,
    operation_undo,
)

__all__ = [
    "NameVerdict",
    "check_slug",
    "cluster_add",
    "instance_create",
    "instance_delete",
    "operation_cancel",
    "operation_request",
    "operation_retry",
    "operation_skip",
    "operation_undo",
    "trial_start",
]
