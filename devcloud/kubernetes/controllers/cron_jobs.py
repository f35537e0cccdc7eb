"""A CronJob makes a Job when it is due, and keeps so many of those that have ended.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/, September 2026.
"""

import uuid
from datetime import datetime

from devcloud.clock import now, rfc3339_seconds
from devcloud.kubernetes import schedules
from devcloud.kubernetes.controllers.context import Context, owner_reference
from devcloud.kubernetes.defaults import fill_in
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of
from devcloud.kubernetes.removal import remove

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def reconcile(context: Context, value: JSON) -> float | None:
    """What is due has begun, unless it is suspended or an earlier one stands in its way. Returns when the next is due.

    What was due while nobody looked, or while an earlier one ran, begins once, if it is not too late for it.
    """
    spec = value["spec"]
    jobs = [job for _, job in context.objects.owned(value["metadata"]["uid"], kind_named("jobs"))]
    _forget(context, spec, jobs)
    if spec.get("suspend"):
        _note(context, value)
        return None
    schedule = schedules.parse(spec["schedule"], spec.get("timeZone", ""))
    due = schedule.due(_since(value), now())
    active = [job for job in jobs if not ending_of(job)]
    last = None
    if due is not None and not (active and spec["concurrencyPolicy"] == "Forbid"):
        if spec["concurrencyPolicy"] == "Replace":
            for job in active:
                remove(context.objects, kind_named("jobs"), job)
        _begin(context, value, due)
        last = due
    _note(context, value, last)
    return schedule.after(now())


def ending_of(job: JSON) -> str:
    """Complete or Failed; empty while it is neither."""
    conditions = job.get("status", {}).get("conditions", ())
    return next((str(each["type"]) for each in conditions if each["type"] in {"Complete", "Failed"}), "")


def seconds_of(text: str) -> float:
    """A moment as Kubernetes writes it, in seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def _since(value: JSON) -> float:
    """From when on something may have been missed."""
    begun = value.get("status", {}).get("lastScheduleTime") or value["metadata"]["creationTimestamp"]
    deadline = value["spec"].get("startingDeadlineSeconds")
    return seconds_of(begun) if deadline is None else max(seconds_of(begun), now() - deadline)


def _begin(context: Context, value: JSON, due: float) -> None:
    """By its name, which tells the minute, there is one for each time."""
    template, metadata = value["spec"]["jobTemplate"], value["metadata"]
    name = f"{metadata['name']}-{int(due) // 60}"
    if context.objects.get(kind_named("jobs"), metadata["namespace"], name):
        return
    job = copy_of({"apiVersion": "batch/v1", "kind": "Job", "spec": template["spec"]})
    job["metadata"] = {
        **copy_of(template.get("metadata", {})),
        "name": name,
        "namespace": metadata["namespace"],
        "uid": str(uuid.uuid4()),
        "generation": 1,
        "ownerReferences": [owner_reference(kind_named("cronjobs"), value)],
    }
    job["metadata"].setdefault("annotations", {})[SCHEDULED_AT] = rfc3339_seconds(due)
    fill_in(kind_named("jobs"), job)
    context.objects.put(kind_named("jobs"), job)


def _forget(context: Context, spec: JSON, jobs: list[JSON]) -> None:
    for ending, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        ended = sorted((job for job in jobs if ending_of(job) == ending), key=_begun)
        for job in ended[: max(0, len(ended) - spec[limit])]:
            remove(context.objects, kind_named("jobs"), job)


def _begun(job: JSON) -> tuple[str, str]:
    return job.get("status", {}).get("startTime", ""), job["metadata"]["name"]


def _note(context: Context, value: JSON, began: float | None = None) -> None:
    kind = kind_named("cronjobs")
    jobs = [job for _, job in context.objects.owned(value["metadata"]["uid"], kind_named("jobs"))]
    status = {name: value.get("status", {})[name] for name in ("lastScheduleTime", "lastSuccessfulTime")
              if name in value.get("status", {})}  # fmt: skip
    if began is not None:
        status["lastScheduleTime"] = rfc3339_seconds(began)
    ended = [job["status"]["completionTime"] for job in jobs if ending_of(job) == "Complete"]
    if ended:
        status["lastSuccessfulTime"] = max([*ended, status.get("lastSuccessfulTime", "")])
    if active := [_reference(job) for job in jobs if not ending_of(job)]:
        status["active"] = active
    context.set_status(kind, value, status)


def _reference(job: JSON) -> JSON:
    metadata = job["metadata"]
    named = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion")}
    return {"apiVersion": "batch/v1", "kind": "Job", **named}
