"""Rollouts: made, moved by people, moved on by a beat. One file for each of the three (docs/decisions/009)."""

from provisioning.services.rollouts.beat import rollouts_tick
from provisioning.services.rollouts.deeds import (
    rollout_abort,
    rollout_pause,
    rollout_resume,
    rollout_roll_back,
    rollout_start,
    rollout_widen,
    stage_approve,
)
from provisioning.services.rollouts.ends import member_ended
from provisioning.services.rollouts.making import rollout_create, rollouts_complete
from provisioning.services.rollouts.members import member_postpone, rollout_skip

__all__ = [
    "member_ended",
    "member_postpone",
    "rollout_abort",
    "rollout_create",
    "rollout_pause",
    "rollout_resume",
    "rollout_roll_back",
    "rollout_skip",
    "rollout_start",
    "rollout_widen",
    "rollouts_complete",
    "rollouts_tick",
    "stage_approve",
]
