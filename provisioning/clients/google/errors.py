"""What a problem means for a step: wait, a person is needed, adopt, gone, or simply try again.

The one place where this is decided: RULES, tried from the top. The words are the vendor's own.
"""

import re
from collections.abc import Callable
from typing import Final

from provisioning.clients.google.problems import Problem
from provisioning.outcomes import NotYet, Refused


class GoogleError(Exception):
    """Google said no; `problem` is how. Unless a step knows better, it is tried again until the step's deadline."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Passing(GoogleError):
    """Too many calls, or a fault on Google's side."""


class NotFound(GoogleError):
    """It is not there."""


class ServiceDisabled(NotFound):
    """The service is not enabled, or was so lately that not all of Google knows; where it is off, nothing can be."""


class Forbidden(GoogleError):
    """The portal may not. Rights take minutes to arrive; a project that never was answers the same."""


class AlreadyExists(GoogleError):
    """The name is taken: by an earlier try of ours, if the labels say so."""


RATE = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}
DISABLED = {"SERVICE_DISABLED", "accessNotConfigured"}
QUOTA = {"quotaExceeded", "QUOTA_EXCEEDED", "limitExceeded", "RESOURCE_EXHAUSTED"}
BILLING = {"BILLING_DISABLED", "billingNotEnabled", "accountDisabled", "UREQ_PROJECT_BILLING_NOT_FOUND"}
NO_ROOM = {"ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "GCE_STOCKOUT"}
BUSY = {"operationInProgress", "CLUSTER_ALREADY_HAS_OPERATION", "aborted", "ABORTED", "conflict"}
IN_USE = {"resourceInUseByAnotherResource", "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "resourceInUse"}
NOT_READY = {"resourceNotReady", "RESOURCE_NOT_READY"}
TAKEN = {"alreadyExists", "ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS", "duplicate", "instanceAlreadyExists"}
POLICY = re.compile(r"constraints/|organi[sz]ation policy|org policy", re.IGNORECASE)
RUNNING = re.compile(r"operation in progress|already has an operation|concurrent|incompatible operation", re.IGNORECASE)
UNREADY = re.compile(r"resource .* is not ready", re.IGNORECASE)
UNKNOWN_ACCOUNT = re.compile(r"service account .* does not exist|unknown service account", re.IGNORECASE)
QUOTA_WORDS = re.compile(r"insufficient .*quota|quota .*exceeded|exceeded .*quota", re.IGNORECASE)
BILLING_WORDS = re.compile(r"billing (account|must be enabled|is disabled)|billing is not", re.IGNORECASE)
LIEN = re.compile(r"\blien\b", re.IGNORECASE)
CONNECTED = re.compile(r"cannot modify allocated ranges in CreateConnection", re.IGNORECASE)
PRODUCER = re.compile(r"producer services", re.IGNORECASE)

Rule = tuple[Callable[[Problem], bool], Callable[[Problem], Exception]]


def understand(problem: Problem) -> Exception:
    """What the problem means: NotYet, Refused or a GoogleError."""
    return next(meaning(problem) for applies, meaning in RULES if applies(problem))


def is_trouble(problem: Problem) -> bool:
    """Whether it is the service that is in trouble, not the one call: a fault on Google's side, or too many calls."""
    return problem.http == 429 or problem.http >= 500 or problem.reason in RATE


def _is(*words: set[str]) -> Callable[[Problem], bool]:
    known = set().union(*words)
    return lambda problem: problem.reason in known or problem.status in known


def _says(pattern: re.Pattern[str], http: int = 0) -> Callable[[Problem], bool]:
    return lambda problem: http in (0, problem.http) and pattern.search(problem.message) is not None


def _http(*codes: int) -> Callable[[Problem], bool]:
    return lambda problem: problem.http in codes


def _wait(why: str) -> Callable[[Problem], Exception]:
    return lambda _problem: NotYet(why)


def _person(what_to_do: str) -> Callable[[Problem], Exception]:
    return lambda problem: Refused(str(problem), what_to_do.format(metric=problem.quota_metric or "the quota named"))


RULES: Final[tuple[Rule, ...]] = (
    (is_trouble, Passing),
    (_is(RATE), Passing),
    (_is(DISABLED), ServiceDisabled),
    (_says(UNKNOWN_ACCOUNT, http=400), _wait("the new service account to be known everywhere")),
    (_is(BILLING), _person("Open the billing account in the Google console, put it in order, then retry the step.")),
    (_is(QUOTA), _person("Ask Google to raise {metric}, wait for the answer, then retry the step.")),
    (_says(QUOTA_WORDS), _person("Ask Google to raise {metric}, wait for the answer, then retry the step.")),
    (_is(NO_ROOM), _person("Google has no such machines left in this zone: retry later, or choose another region.")),
    (_says(POLICY), _person("Ask who keeps the organization's policies for an exception, then retry the step.")),
    (_says(PRODUCER), _wait("Google's services to let go of the private connection")),
    (_says(CONNECTED), AlreadyExists),
    (_says(LIEN), _person("Find out who placed the lien and why, remove it, then retry the step.")),
    (_is(IN_USE), _wait("what still uses it to be removed")),
    (_is(NOT_READY), _wait("what it builds on to become ready")),
    (_says(UNREADY), _wait("what it builds on to become ready")),
    (_is(BUSY), _wait("another change of it to end")),
    (_is(TAKEN), AlreadyExists),
    (_says(RUNNING), _wait("another change of it to end")),
    (_says(BILLING_WORDS), _person("Link the project to a billing account in good standing, then retry the step.")),
    (_http(404), NotFound),
    (_http(409, 412), Passing),  # changed by somebody else between our look and our deed: looked at anew
    (_http(401, 403), Forbidden),
    (_http(400), _person("This is a fault of the portal: report it with the step's attempts.")),
    (lambda _problem: True, GoogleError),
)
