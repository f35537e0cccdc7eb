"""Everything that reads instances and operations, scoped by who asks."""

from provisioning.selectors.instances import (
    instance_away_from,
    instance_for,
    instances_of,
    operation_for,
    operations_of,
    the_one,
)
from provisioning.selectors.plans import Effect, Plan, PlanLine, plan_for_new, plan_of
from provisioning.selectors.progress import Lane, Progress, StepView, progress_of
from provisioning.selectors.surveys import (
    certificate_of,
    drift_of,
    drifted,
    findings_of,
    is_under_way,
    open_leaks,
    survey_for,
)

__all__ = [
    "Effect",
    "Lane",
    "Plan",
    "PlanLine",
    "Progress",
    "StepView",
    "certificate_of",
    "drift_of",
    "drifted",
    "findings_of",
    "instance_away_from",
    "instance_for",
    "instances_of",
    "is_under_way",
    "open_leaks",
    "operation_for",
    "operations_of",
    "plan_for_new",
    "plan_of",
    "progress_of",
    "survey_for",
    "the_one",
]
