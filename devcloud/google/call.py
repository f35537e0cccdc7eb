"""What a handler is given, and the table of handlers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.google.discovery import Method

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One checked call. `project` is the id of the project that it is about, or empty; `counted_for` is whose quota the
    caller says that it uses, or empty; `fault` is what an injected fault wants of the operation that it starts.
    """

    cloud: Cloud
    method: Method
    parameters: Mapping[str, Any]
    body: Json
    at: float
    project: str = ""
    project_number: str = ""
    counted_for: str = ""
    fault: Effect | None = None

    def __getitem__(self, name: str) -> str:
        """A required parameter that is text."""
        return str(self.parameters[name])

    def get(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)

    @property
    def base_url(self) -> str:
        """Where this service answers, without a slash at the end."""
        return f"{self.cloud.addresses.http_url}/google/{self.method.service}"


Handler = Callable[[Call], Json]

HANDLERS: dict[str, Handler] = {}


def implements(*method_ids: str) -> Callable[[Handler], Handler]:
    """The function answers these methods."""

    def register(handler: Handler) -> Handler:
        for method_id in method_ids:
            HANDLERS[method_id] = handler
        return handler

    return register
