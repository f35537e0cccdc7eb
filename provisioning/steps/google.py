"""What all actions on Google have in common: how absence, a service that is off and a project that is gone are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache import cache

from provisioning.clients.google import AlreadyExists, Forbidden, NotFound, ServiceDisabled, api, execute
from provisioning.clients.google.operations import check, is_done
from provisioning.clients.google.problems import Problem
from provisioning.clients.google.projects import is_gone, project_of, service_state
from provisioning.engine.action import Action, Context, Missing, NotYet, Refused, Seen, seconds

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
        except NotFound:
            return Missing()
        except Forbidden:
            if is_gone(context.spec.id):
                return Missing()
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

    def see(self, context: Context) -> Seen:
        raise NotImplementedError

    def create(self, context: Context) -> str:
        raise NotImplementedError

    def remove(self, context: Context) -> str:
        raise NotImplementedError


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
        raise NotYet(f"Google to {what}", seconds(20))
    cache.delete(key)
    check(operation)
    return f"asked Google to {what}"


def attempt(context: Context) -> str:
    """A label value that tells which try made a thing: a person's retry may throw away what an earlier one left."""
    return context.request_id("create")


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
