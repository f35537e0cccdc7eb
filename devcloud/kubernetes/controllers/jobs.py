"""A Job has a pod, and ends when that has, or when its time is up."""

from devcloud.clock import now, rfc3339_seconds
from devcloud.kubernetes.controllers.context import Context, condition
from devcloud.kubernetes.controllers.cron_jobs import ending_of, seconds_of
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.removal import remove

_BACKOFF = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")


def reconcile(context: Context, job: JSON) -> float | None:
    """The job has a pod, and has ended when that has. Returns when its time is up, if that is limited."""
    kind = kind_named("jobs")
    if ending_of(job):
        return None
    pods = [pod for _, pod in context.objects.owned(job["metadata"]["uid"], kind_named("pods"))]
    if not pods and not job["spec"].get("suspend"):
        context.start_pod(kind, job, job["spec"]["template"], f"{job['metadata']['name']}-{job['metadata']['uid'][:5]}")
        return None
    started = job.get("status", {}).get("startTime", rfc3339_seconds(now()))
    phases = {pod["status"].get("phase") for pod in pods}
    up_at = _time_is_up_at(job, started)
    if up_at is not None and up_at <= now() and not phases & {"Failed", "Succeeded"}:
        for pod in pods:
            remove(context.objects, kind_named("pods"), pod)
        context.set_status(kind, job, _failed(started, *_DEADLINE))
        return None
    context.set_status(kind, job, _status(phases, started))
    return up_at


def _time_is_up_at(job: JSON, started: str) -> float | None:
    limit = job["spec"].get("activeDeadlineSeconds")
    return None if limit is None else seconds_of(started) + limit


def _status(phases: set[str], started: str) -> JSON:
    if "Failed" in phases:
        return _failed(started, *_BACKOFF)
    if "Succeeded" in phases:
        ended = [
            condition(name, true=True, reason="CompletionsReached", message="Reached expected number of succeeded pods")
            for name in ("SuccessCriteriaMet", "Complete")
        ]
        return {
            "startTime": started,
            "completionTime": rfc3339_seconds(now()),
            "succeeded": 1,
            "ready": 0,
            "conditions": ended,
        }
    return {"startTime": started, "active": len(phases), "ready": 0}


def _failed(started: str, reason: str, message: str) -> JSON:
    ended = [condition(name, true=True, reason=reason, message=message) for name in ("FailureTarget", "Failed")]
    return {"startTime": started, "failed": 1, "ready": 0, "conditions": ended}
