"""The end of a container's log, as the API server hands it out: strict about which, plausible in what it says.

The refusals are the server's own: a container has to be named where there are several; one that is not the pod's is a
bad request (not a 404), and so is one that has not started yet (Kubernetes, pkg/registry/core/pod/strategy.go and
pkg/kubelet/kubelet_pods.go).
"""

from starlette.responses import Response

from devcloud.clock import rfc3339_seconds
from devcloud.kubernetes.failures import JSON, bad_request, invalid
from devcloud.kubernetes.requests import Request

_SECONDS_APART = 30
_KEPT_LINES = 40


def answer_log(pod: JSON, request: Request, moment: float) -> Response:
    """The log as text. Raises Refusal."""
    name = _container(pod, request.query.get("container", ""))
    _raise_if_waiting(pod, name)
    lines = _lines(pod, name, moment)
    count = _count(pod, request.query.get("tailLines"))
    shown = lines if count is None else lines[max(0, len(lines) - count) :]
    return Response("".join(f"{line}\n" for line in shown), media_type="text/plain")


def _container(pod: JSON, asked: str) -> str:
    pod_name, spec = pod["metadata"]["name"], pod["spec"]
    main, first = _names(spec["containers"]), _names(spec.get("initContainers", []))
    if not asked:
        if len(main) == 1:
            return main[0]
        before = f" or one of the init containers: [{' '.join(first)}]" if first else ""
        message = f"a container name must be specified for pod {pod_name}, choose one of: [{' '.join(main)}]{before}"
        raise bad_request(message)
    if asked not in {*main, *first}:
        raise bad_request(f"container {asked} is not valid for pod {pod_name}")
    return asked


def _names(containers: list[JSON]) -> list[str]:
    return [container["name"] for container in containers]


def _raise_if_waiting(pod: JSON, name: str) -> None:
    """One that has never run has no log; one that crashed and waits to be started again has that of its last run."""
    state, restarts = _state(pod, name)
    reason = state.get("waiting", {}).get("reason", "")
    if ("waiting" in state and not restarts) or (not state and pod.get("status", {}).get("phase") != "Running"):
        why = reason or "ContainerCreating"
        pod_name = pod["metadata"]["name"]
        raise bad_request(f'container "{name}" in pod "{pod_name}" is waiting to start: {why}')


def _state(pod: JSON, name: str) -> tuple[JSON, int]:
    status = pod.get("status", {})
    for each in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        if each["name"] == name:
            return each.get("state", {}), each.get("restartCount", 0)
    return {}, 0


def _count(pod: JSON, text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        problem = ("tailLines", f"Invalid value: {text}: must be greater than or equal to 0")
        raise invalid("PodLogOptions", "", pod["metadata"]["name"], [problem])
    return int(text)


def _lines(pod: JSON, name: str, moment: float) -> list[str]:
    """What such a container says: that it began, its health since, and at last how it stands. No secrets, no code."""
    state, restarts = _state(pod, name)
    began = pod.get("status", {}).get("startTime", "")
    image = next((each["image"] for each in pod["spec"]["containers"] if each["name"] == name), "")
    beats = [
        f"{rfc3339_seconds(moment - _SECONDS_APART * back)} INFO {name} healthz: ok"
        for back in range(_KEPT_LINES, 0, -1)
    ]
    head = [f"{began} INFO {name} starting {image}", f"{began} INFO {name} connected to its databases"]
    if "running" in state or not state:
        return [*head, *beats]
    word = state.get("terminated", {}).get("message") or state.get("terminated", {}).get("reason") or "it crashed"
    level = "INFO" if state.get("terminated", {}).get("exitCode") == 0 else "ERROR"
    return [*head, f"{rfc3339_seconds(moment)} {level} {name} ended: {word} (restarts: {restarts})"]
