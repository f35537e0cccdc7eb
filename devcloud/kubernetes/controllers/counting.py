"""A container that counts with psql what is in the application's database, and posts that somewhere.

devcloud runs neither psql nor a shell: it knows such a container by its environment, STATEMENT, ADDRESS and TOKEN, and
does what it would do (devcloud.application.use).
"""

from devcloud import timers
from devcloud.clock import now
from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.controllers.databases import value_of
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of

COUNT = "application.count"  # the action that goes on from here
BEGUN = "devcloud.localhost/counting"
_VARIABLES = ("STATEMENT", "ADDRESS", "TOKEN")


def is_to_count(pod: JSON) -> bool:
    return set(_VARIABLES) <= {entry["name"] for entry in _environment(pod)}


def begin(context: Context, pod: JSON) -> None:
    """It is under way, once; Controllers.finish ends it."""
    if BEGUN in pod["metadata"].get("annotations", {}):
        return
    marked = copy_of(pod)
    marked["metadata"].setdefault("annotations", {})[BEGUN] = f"{now():.3f}"
    metadata = context.objects.put(kind_named("pods"), marked)["metadata"]
    found = {
        entry["name"].lower(): value_of(context, metadata["namespace"], entry)
        for entry in _environment(pod)
        if entry["name"] in _VARIABLES
    }
    place = {"cluster": context.cluster_id, "namespace": metadata["namespace"], "pod": metadata["name"]}
    timers.schedule(context.cloud, now(), COUNT, {**place, **found})


def _environment(pod: JSON) -> list[JSON]:
    return [entry for container in pod["spec"]["containers"] for entry in container.get("env", ())]
