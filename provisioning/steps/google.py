"""What all actions on Google have in common: how absence, a service that is off and a project that is gone are read."""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.cache import cache

from provisioning.clients.google import AlreadyExists, Forbidden, NotFound, ServiceDisabled, api, execute
from provisioning.clients.google.operations import check, failure_of, is_done
from provisioning.clients.google.problems import Problem
from provisioning.clients.google.projects import ACTIVE, project_of, service_state
from provisioning.engine.action import Action, Change, Context, Missing, NotYet, Refused, Seen, seconds

ENABLED = "ENABLED"
VERSIONS = {"cloudresourcemanager": "v3", "servicenetworking": "v1", "serviceusage": "v1"}
REMEMBERED_SECONDS = 3600


class GoogleAction(Action):
    """An action in the instance's own project. Subclasses see, create and remove; NotFound means what it says."""

    def look(self, context: Context) -> Seen:
        """As `see`, where nothing is also Missing if the project or the service is not there at all."""
        try:
            with settled_services(context.spec.id):
                return self.see(context)
        except NotFound as absent:
            return Missing(self._answer(context, absent))
        except Forbidden:
            project = project_of(context.spec.id)
            if project is None or project["state"] != ACTIVE:
                return Missing(absence_of_project(project))
            raise

    def make(self, context: Context) -> str:
        """As `create`; a taken name is an earlier try's, and whose it is, `see` tells once it appears."""
        try:
            with settled_services(context.spec.id):
                return self.create(context)
        except AlreadyExists:
            raise NotYet("what an earlier try began to appear") from None

    def drop(self, context: Context) -> str:
        try:
            with settled_services(context.spec.id):
                return self.remove(context)
        except NotFound:
            return "found it gone already"

    @abstractmethod
    def see(self, context: Context) -> Seen:
        """Only reads. NotFound is the same as Missing."""

    def create(self, context: Context) -> str:
        """Makes it, or changes it into what is wanted. Unless a subclass knows how, it is Refused."""
        return super().make(context)

    def remove(self, context: Context) -> str:
        """Removes it. Unless a subclass knows how, it is Refused."""
        return super().drop(context)

    def _answer(self, context: Context, absent: NotFound) -> str:
        problem = absent.problem
        service = self.resource(context).removeprefix("//").partition("/")[0] or "Google"
        if isinstance(absent, ServiceDisabled):
            return f"{problem.service or service} is not enabled in the project"
        return f"{service} answered {problem.http} {problem.reason or problem.status}: {problem.message.rstrip('.')}"


def absence_of_project(project: Mapping[str, Any] | None) -> str:
    """How it was confirmed that nothing of the project can be used any more, in words."""
    if project is None:
        return "cloudresourcemanager.googleapis.com knows of no such project"
    since = f" since {project['deleteTime']}" if "deleteTime" in project else ""
    return f"the project is in state {project['state']}{since}; Google purges it within 30 days"


@contextmanager
def settled_services(project: str) -> Iterator[None]:
    """A service that is enabled but not yet everywhere is waited for; another project's is a person's business."""
    try:
        yield
    except ServiceDisabled as disabled:
        problem = disabled.problem
        state, number = service_state(project, problem.service)
        if problem.consumer and problem.consumer not in {number, project}:
            raise Refused(
                f"{problem.service} is not enabled in the portal's own project {problem.consumer}.",
                "Enable it there, then retry the step.",
            ) from disabled
        if state == ENABLED:
            raise NotYet(f"{problem.service}, just enabled, to be usable") from disabled
        raise


def begun(context: Context, service: str, request: Any, what: str) -> str:
    """For changes whose operations cannot be found again by looking: asked for once, then the operation is followed.

    Its name is remembered in the cache, which is a hint and no more: when it is lost, the change is asked for again,
    and Google finds it done or under way. Raises NotYet while it runs, and what it failed of.
    """
    key = f"google-operation:{context.request_id(request.methodId)}"
    name = cache.get(key)
    try:
        operation = execute(api(service, VERSIONS[service]).operations().get(name=name) if name else request)
    except NotFound:
        cache.delete(key)
        raise
    if not is_done(operation):
        cache.set(key, operation["name"], REMEMBERED_SECONDS)
        if name is None:
            return f"asked Google to {what}"
        raise NotYet(f"Google to {what}", seconds(20))
    cache.delete(key)
    check(operation)
    return f"asked Google to {what}"


def changed(
    context: Context, request: Any, changes: Iterable[Change], operation: Callable[[str], Any] | None = None
) -> str:
    """The changes are asked for by the request; `operation` makes the one that reads an operation by its name.

    Raises Refused when the very same was asked for in this try and has failed for good: that is remembered in the
    cache, which is a hint and no more: where it is lost, it is asked for once again.
    """
    changes = list(changes)
    wanted = json.dumps([[change.path, change.wanted] for change in changes], sort_keys=True)
    key = f"google-change:{context.request_id(f'{request.methodId} {wanted}')}"
    if operation and (name := cache.get(key)):
        _raise_if_refused(operation(name))
    answer = execute(request)
    if operation:
        cache.set(key, answer["name"], REMEMBERED_SECONDS)
    return f"asked Google to change {', '.join(change.path for change in changes)}"


def _raise_if_refused(request: Any) -> None:
    try:
        failure = failure_of(execute(request))
    except NotFound:
        return
    if isinstance(failure, Refused):
        raise failure


def attempt(context: Context) -> str:
    """A label value that tells which try made a thing: a person's retry may throw away what an earlier one left."""
    return f"{context.operation_id}-{context.step}-{context.generation}"


def is_of_operation(context: Context, value: str) -> bool:
    """Whether such a label's value is of a try of this operation, whichever step or generation it was."""
    return value.startswith(f"{context.operation_id}-")


def project_number(context: Context) -> str:
    """The number of the instance's project. Raises NotFound when there is none."""
    known = context.outputs.get("project", {}).get("number")
    if known:
        return str(known)
    project = project_of(context.spec.id)
    if project is None:
        raise NotFound(Problem(404, "NOT_FOUND", "", f"There is no project {context.spec.id}"))
    return str(project["name"]).removeprefix("projects/")


def put_out(context: Context, step: str, key: str) -> str:
    """What an earlier step put out. Raises Refused when that step was skipped."""
    try:
        return str(context.outputs[step][key])
    except KeyError:
        raise Refused(f"The step “{step}” has put out no {key}.", "It was skipped: undo, or tear down.") from None
