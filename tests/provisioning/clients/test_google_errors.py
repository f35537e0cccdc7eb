"""What each of Google's ways to say no means for a step."""

import json

import httplib2
import pytest
from googleapiclient.errors import HttpError

from provisioning.clients.google.errors import (
    AlreadyExists,
    Forbidden,
    NotFound,
    Passing,
    ServiceDisabled,
    understand,
)
from provisioning.clients.google.operations import check, failure_of, is_done
from provisioning.clients.google.problems import problem_of
from provisioning.outcomes import NotYet, Refused


def refusal(http: int, **error) -> HttpError:
    content = json.dumps({"error": {"code": http, **error}}).encode()
    return HttpError(httplib2.Response({"status": http}), content, uri="https://compute.googleapis.com/x")


def newer(http: int, status: str, message: str = "No.", reason: str = "", **metadata: str) -> HttpError:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}
    return refusal(http, status=status, message=message, details=[info] if reason else [])


def older(http: int, reason: str, message: str = "No.") -> HttpError:
    return refusal(http, message=message, errors=[{"reason": reason, "domain": "global", "message": message}])


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (newer(429, "RESOURCE_EXHAUSTED"), Passing),
        (newer(429, "RESOURCE_EXHAUSTED", "concurrent operations quota exceeded"), Passing),
        (newer(500, "INTERNAL"), Passing),
        (newer(503, "UNAVAILABLE"), Passing),
        (older(403, "rateLimitExceeded"), Passing),
        (older(403, "userRateLimitExceeded"), Passing),
        (newer(403, "PERMISSION_DENIED", reason="RATE_LIMIT_EXCEEDED"), Passing),
        (older(409, "somethingElse"), Passing),
        (newer(403, "PERMISSION_DENIED", reason="SERVICE_DISABLED"), ServiceDisabled),
        (older(403, "accessNotConfigured"), ServiceDisabled),
        (newer(404, "NOT_FOUND"), NotFound),
        (older(404, "notFound"), NotFound),
        (newer(404, "NOT_FOUND", "Unknown service account: x@y"), NotFound),
        (newer(403, "PERMISSION_DENIED", "The caller does not have permission"), Forbidden),
        (older(403, "notAuthorized"), Forbidden),
        (newer(409, "ALREADY_EXISTS"), AlreadyExists),
        (older(409, "alreadyExists"), AlreadyExists),
        (older(409, "instanceAlreadyExists"), AlreadyExists),
        (newer(400, "FAILED_PRECONDITION", "Cannot modify allocated ranges in CreateConnection."), AlreadyExists),
        (newer(409, "ABORTED", "There were concurrent policy changes."), NotYet),
        (older(409, "operationInProgress"), NotYet),
        (newer(400, "FAILED_PRECONDITION", "x", "CLUSTER_ALREADY_HAS_OPERATION"), NotYet),
        (newer(400, "FAILED_PRECONDITION", "Cluster is running incompatible operation operation-1."), NotYet),
        (newer(400, "INVALID_ARGUMENT", "Service account a@b does not exist."), NotYet),
        (older(400, "resourceInUseByAnotherResource"), NotYet),
        (older(400, "resourceNotReady"), NotYet),
        (newer(400, "INVALID_ARGUMENT", "The resource 'x' is not ready"), NotYet),
        (newer(400, "FAILED_PRECONDITION", "Producer services (e.g. CloudSQL) are still using this"), NotYet),
        (older(403, "quotaExceeded", "Quota 'NETWORKS' exceeded. Limit: 5.0 globally."), Refused),
        (newer(403, "PERMISSION_DENIED", 'Insufficient regional quota to satisfy request: resource "CPUS"'), Refused),
        (newer(403, "PERMISSION_DENIED", reason="BILLING_DISABLED"), Refused),
        (newer(400, "FAILED_PRECONDITION", "x", "UREQ_PROJECT_BILLING_NOT_FOUND"), Refused),
        (older(412, "conditionNotMet", "Constraint constraints/compute.vmExternalIpAccess violated"), Refused),
        (newer(400, "FAILED_PRECONDITION", "A lien to prevent deletion was placed on the project"), Refused),
        (older(503, "ZONE_RESOURCE_POOL_EXHAUSTED"), Passing),
        (older(400, "ZONE_RESOURCE_POOL_EXHAUSTED"), Refused),
        (newer(400, "INVALID_ARGUMENT", "Unknown name"), Refused),
    ],
    ids=str,
)
def test_what_it_means(error, meaning):
    assert type(understand(problem_of(error))) is meaning


def test_a_quota_is_named_with_what_to_do():
    refused = understand(problem_of(newer(403, "X", "No.", "QUOTA_EXCEEDED", quota_metric="compute/cpus")))
    assert isinstance(refused, Refused)
    assert "compute/cpus" in refused.what_to_do


def test_whose_service_is_off_is_read_from_either_form():
    message = (
        "Compute Engine API has not been used in project 42 before or it is disabled. Enable it by visiting "
        "https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project=42 then retry."
    )
    old = problem_of(older(403, "accessNotConfigured", message))
    metadata = {"service": "compute.googleapis.com", "consumer": "projects/42"}
    new = problem_of(newer(403, "X", reason="SERVICE_DISABLED", **metadata))
    assert (old.service, old.consumer) == (new.service, new.consumer) == ("compute.googleapis.com", "42")


def test_an_answer_that_is_no_json_is_still_understood():
    error = HttpError(httplib2.Response({"status": 502}), b"<html>Bad Gateway</html>", uri="https://x")
    assert type(understand(problem_of(error))) is Passing


@pytest.mark.parametrize(
    ("operation", "done", "failure"),
    [
        ({"name": "operations/1"}, False, None),
        ({"name": "operations/1", "done": True, "response": {}}, True, None),
        ({"done": True, "error": {"code": 9, "message": "Producer services are still using it"}}, True, NotYet),
        ({"done": True, "error": {"code": 8, "message": "full"}}, True, Refused),
        ({"done": True, "error": {"code": 13, "message": "oops"}}, True, Passing),
        ({"status": "RUNNING"}, False, None),
        ({"status": "ABORTING", "error": {"code": 1, "message": "x"}}, False, None),
        ({"status": "DONE"}, True, None),
        ({"status": "DONE", "error": {"errors": [{"code": "QUOTA_EXCEEDED", "message": "x"}]}}, True, Refused),
        ({"status": "DONE", "error": {"errors": [{"code": "INTERNAL_ERROR", "message": "x"}]}}, True, Passing),
        (
            {"status": "DONE", "error": {"errors": [{"code": "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "message": "x"}]}},
            True,
            NotYet,
        ),
        ({"status": "DONE", "error": {"code": 14, "message": "x"}}, True, Passing),
    ],
    ids=str,
)
def test_operations_of_both_families_are_read_alike(operation, done, failure):
    assert is_done(operation) is done
    found = failure_of(operation)
    assert (type(found) if found else None) is failure


def test_an_operation_that_is_done_at_once_raises_at_once():
    with pytest.raises(Refused):
        check({"done": True, "error": {"code": 3, "message": "bad"}})
