"""What makes a policy, and the two that the portal ships with. From then on they are the admins'."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from django.db import transaction

from provisioning.models import PolicyStage, RolloutPolicy
from provisioning.models.rollouts import StageTerms

SHARES: Final = {"internal_percent": "internal", "trial_percent": "trial", "customer_percent": "customer"}
ALL: Final = 100
WORKING_DAY = {"soak_hours": 24, "soak_skips_weekends": True}
# fmt: off
POLICIES: Final[dict[str, tuple[dict[str, Any], tuple[dict[str, Any], ...]]]] = {
    # Two working days to verify after the internal instances: that is how long the first stage rests.
    "major": (
        {"title": "Major releases and architectures", "suits": ["major", "architecture"]},
        (
            {"name": "Internal", "soak_hours": 48, "soak_skips_weekends": True},
            {"name": "30 % of trials, 10 % of customers", "trial_percent": 30, "customer_percent": 10, **WORKING_DAY,
             "needs_approval": True, "needs_rehearsal": True},
            {"name": "All trials, 40 % of customers", "trial_percent": 100, "customer_percent": 40, **WORKING_DAY},
            {"name": "All", "trial_percent": 100, "customer_percent": 100, **WORKING_DAY},
        ),
    ),
    "minor-and-patch": (
        {"title": "Minor releases and patches", "suits": ["minor", "patch"]},
        (
            {"name": "Internal", "soak_hours": 2},
            {"name": "10 %", "trial_percent": 10, "customer_percent": 10, "soak_hours": 4},
            {"name": "40 %", "trial_percent": 40, "customer_percent": 40, "soak_hours": 4},
            {"name": "All", "trial_percent": 100, "customer_percent": 100, "soak_hours": 1},
        ),
    ),
}
# fmt: on


@transaction.atomic
def load_policies() -> None:
    """Every policy of ours stands; one that is there already stays as admins have made it."""
    for name, (terms, stages) in POLICIES.items():
        policy, is_new = RolloutPolicy.objects.get_or_create(name=name, defaults=terms)
        if is_new:
            PolicyStage.objects.bulk_create(
                PolicyStage(policy=policy, position=position, **stage) for position, stage in enumerate(stages, start=1)
            )


def why_unsound(stages: Sequence[StageTerms]) -> str:
    """Why these stages, in their order, make no policy; "" when they do."""
    if not stages:
        return "A policy has at least one stage."
    for before, stage in pairwise(stages):
        for share, kind in SHARES.items():
            if getattr(stage, share) < getattr(before, share):
                return (
                    f"Shares never fall: “{stage.name}” takes {getattr(stage, share)} % of {kind} instances, "
                    f"“{before.name}” before it {getattr(before, share)} %."
                )
    if any(getattr(stages[-1], share) != ALL for share in SHARES):
        return f"The last stage reaches everybody: “{stages[-1].name}” must take 100 % of each kind."
    return ""
