"""What a feature may add to an instance: switches of the application, and parts that the portal knows how to make."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.conf import settings

from portal.core.errors import Invalid
from provisioning.fleet.architectures import architecture_of
from provisioning.models.domains import CUSTOM_DOMAIN_PART

STATIC_ADDRESS: Final = "static-address"
LOG_RETENTION: Final = "log-retention"
ALLOW_LIST: Final = "allow-list"
PRIVATE_CONNECTIVITY: Final = "private-connectivity"
ASSISTANT: Final = "assistant"
CUSTOM_DOMAIN: Final = CUSTOM_DOMAIN_PART
EXECUTORS: Final = "executors"  # as many as the feature has units
STANDBY: Final = "standby"
# What there are steps for. A feature that needs another part cannot be sold before somebody writes its step.
PARTS: Final = frozenset(
    {
        STATIC_ADDRESS, LOG_RETENTION, EXECUTORS, ASSISTANT, ALLOW_LIST, PRIVATE_CONNECTIVITY, CUSTOM_DOMAIN, STANDBY,
    }
)  # fmt: skip
# What is made in the instance's own project: nothing of it is there where somebody brings a cluster.
MADE_AT_GOOGLE: Final = PARTS - {ASSISTANT}
ENVIRONMENT: Final = "env"
BATCH_CHANGES_JOBS: Final = "batches-scheduler,batches-reconciler,batches-bulk-processor,batches-workspace-resolver"
# The application has these on by itself; only a feature switches them on here. Sources: upstream's documentation of the
# worker's jobs (WORKER_JOB_BLOCKLIST) and its IsCodeInsightsEnabled (DISABLE_CODE_INSIGHTS), read 2026-12-01.
OFF_BY_DEFAULT: Final[Mapping[str, Mapping[str, str]]] = {
    "frontend": {"DISABLE_CODE_INSIGHTS": "true"},
    "worker": {"DISABLE_CODE_INSIGHTS": "true", "WORKER_JOB_BLOCKLIST": BATCH_CHANGES_JOBS},
}


def check_feature(values: Any, parts: Collection[str]) -> None:
    """Raises Invalid for values that are more than environment of components, and for parts that nobody can make."""
    for component, settings_of_it in _mapping(values, "values").items():
        inner = _mapping(settings_of_it, component)
        if set(inner) != {ENVIRONMENT}:
            raise Invalid(f"Of {component} a feature may set “{ENVIRONMENT}” alone.", field="values")
        for name, variable in _mapping(inner[ENVIRONMENT], f"{component}.{ENVIRONMENT}").items():
            if (
                not isinstance(variable, Mapping)
                or set(variable) != {"value"}
                or not isinstance(variable["value"], str)
            ):
                raise Invalid(f'{component}.{ENVIRONMENT}.{name} is written as {{"value": "…"}}.', field="values")
    if why := why_not_made(parts):
        raise Invalid(why, field="parts")
    if unknown := sorted(set(parts) - PARTS):
        raise Invalid(f"There is no step yet that makes {', '.join(unknown)}.", field="parts")


def why_not_made(parts: Collection[str]) -> str:
    """What of the parts this portal is not set up for, as a sentence; "" if there is nothing."""
    if ASSISTANT in parts and not settings.ASSISTANT_PROVIDER:
        return "No provider of models is set up here, so that the assistant would have nobody to ask."
    return ""


def why_not_there(parts: Collection[str], architecture: str) -> str:
    """Why an instance of that architecture cannot have the parts, as a sentence; "" if it can."""
    if STANDBY in parts and not architecture_of(architecture).private_database:
        return (
            f"A standby follows a database server that is in the instance's own network: architecture {architecture} "
            "has none. Its infrastructure has to be renewed first."
        )
    return ""


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid(f"{what} is a mapping of names.", field="values")
    return value
