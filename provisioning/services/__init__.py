"""Everything that changes an instance, by subject. Pages, API, admin and tasks all call these and nothing below."""

from provisioning.services.changes import (
    instance_apply_features,
    instance_convert,
    instance_repair,
    instance_resize,
    instance_upgrade,
    resized,
    upgraded,
    with_features,
)
from provisioning.services.clusters import cluster_add
from provisioning.services.instances import instance_create, instance_delete, instance_end, trial_start
from provisioning.services.leaks import leak_remove, leaks_check_request
from provisioning.services.names import NameVerdict, check_slug
from provisioning.services.operations import (
    operation_cancel,
    operation_nudge,
    operation_request,
    operation_retry,
    operation_skip,
    operation_undo,
)
from provisioning.services.surveys import drift_check_request, plan_request
from provisioning.services.suspension import instance_resume, instance_suspend, resumed, suspended
from provisioning.services.trials import trial_extend

__all__ = [
    "NameVerdict",
    "check_slug",
    "cluster_add",
    "drift_check_request",
    "instance_apply_features",
    "instance_convert",
    "instance_create",
    "instance_delete",
    "instance_end",
    "instance_repair",
    "instance_resize",
    "instance_resume",
    "instance_suspend",
    "instance_upgrade",
    "leak_remove",
    "leaks_check_request",
    "operation_cancel",
    "operation_nudge",
    "operation_request",
    "operation_retry",
    "operation_skip",
    "operation_undo",
    "plan_request",
    "resized",
    "resumed",
    "suspended",
    "trial_extend",
    "trial_start",
    "upgraded",
    "with_features",
]
