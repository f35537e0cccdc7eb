"""What a handler is given, and the table of handlers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devcloud.cloud import Cloud
from devcloud.stripe.books import Books, Json


@dataclass(frozen=True)
class Call:
    """One checked call. `path` holds the ids in its address, `url` is the address itself, such as /v1/prices."""

    books: Books
    method: str
    url: str
    path: Mapping[str, str]
    params: Mapping[str, Any]

    @property
    def cloud(self) -> Cloud:
        return self.books.cloud

    def __getitem__(self, name: str) -> Any:
        """A required parameter."""
        return self.params[name]

    def __contains__(self, name: str) -> bool:
        return name in self.params

    def get(self, name: str, default: Any = None) -> Any:
        return self.params.get(name, default)


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Method:
    """One method of the API. `id` is such as subscriptions.update, `parameters` a class of the SDK."""

    id: str
    verb: str
    address: re.Pattern[str]
    parameters: str
    handler: Handler
    fixed: int


METHODS: list[Method] = []


def implements(method_id: str, address: str, parameters: str) -> Callable[[Handler], Handler]:
    """The function answers at this address, such as "POST /v1/prices/{price}"."""

    def register(handler: Handler) -> Handler:
        verb, path = address.split(" ")
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        fixed = len(re.sub(r"\{\w+\}", "", path))
        METHODS.append(Method(method_id, verb, pattern, parameters, handler, fixed))
        return handler

    return register


def match(verb: str, path: str) -> tuple[Method, Mapping[str, str]] | None:
    """The method at this address; of two that fit, the one with the longer fixed text is meant."""
    found = [(m, fits.groupdict()) for m in METHODS if m.verb == verb and (fits := m.address.fullmatch(path))]
    return max(found, key=lambda pair: pair[0].fixed) if found else None
