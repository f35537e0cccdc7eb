"""How the API describes itself (OpenAPI 3)."""

from collections.abc import Callable, Mapping, Sequence
from inspect import getdoc
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.serializers import BaseSerializer, Serializer

from portal.api.problems import KINDS, MEDIA_TYPE
from portal.api.serializers import ProblemDocument

NO_THING_PROBLEMS = (401, 403, 429, 500)
READ_PROBLEMS = (401, 403, 404, 429, 500)
LIST_PROBLEMS = (400, 401, 403, 429, 500)
WRITE_PROBLEMS = (400, 401, 403, 409, 415, 422, 429, 500)
Answer = type[Serializer[Any]] | BaseSerializer[Any]
View = TypeVar("View", bound=Callable[..., Any])

REQUEST_ID = OpenApiParameter(
    "X-Request-ID", str, OpenApiParameter.HEADER, response=True, description="Name it when you ask us about a call."
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Optional. A call sent again with the same key and body is not done again: its answer comes back, with "
    "`Idempotency-Replayed: true`, for 48 hours. Refused calls are not kept; send them again with the same key.",
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201, 202],
    description="`true` when this is the stored answer to an earlier call.",
)
LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[201, 202],
    description="The address of what was made.",
)
RETRY_AFTER = OpenApiParameter("Retry-After", int, OpenApiParameter.HEADER, response=[429], description="Seconds.")


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the package has no types
    target_class = "portal.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token made in the portal under Settings, API tokens. It begins with `msp_`.",
        }


def documented(
    summary: str,
    *,
    tag: str,
    scope: str,
    problems: Sequence[int],
    answer: Answer | Mapping[int, Answer],
    sent: type[Serializer[Any]] | None = None,
    status: int = 200,
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[View], View]:
    """The view's method is in the schema, with its scope, its headers and the problems it may answer with.

    An `answer` with many=True comes in pages; several are named by their status. What is posted may bear an
    Idempotency-Key.
    """
    answers = answer if isinstance(answer, Mapping) else {status: answer}
    troubles = {(code, MEDIA_TYPE): _problem(code) for code in problems}

    def document(method: View) -> View:
        headers = (REQUEST_ID, RETRY_AFTER, *((KEY, REPLAYED, LOCATION) if method.__name__ == "post" else ()))
        decorate = extend_schema(
            summary=summary,
            description=f"{getdoc(method)}\n\nNeeds the scope `{scope}`.",
            tags=[tag],
            request=sent,
            responses={**answers, **troubles},
            parameters=list(headers),
            examples=list(examples),
        )
        decorated: View = decorate(method)
        return decorated

    return document


def _problem(status: int) -> OpenApiResponse:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    return OpenApiResponse(
        ProblemDocument,
        description=" ".join(f"`{kind.code}`: {kind.meaning}" for kind in kinds),
        examples=[OpenApiExample(kind.code, _body(kind.code), status_codes=[str(status)]) for kind in kinds],
    )


def _body(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    extra = {"errors": {"slug": ["“acme” is taken. Try another name."]}} if code == "invalid" else {}
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.meaning,
        "code": code,
        **extra,
        "request_id": "0e7c3a52-1f0b-4d5e-9a43-5d1f3c1e8d0b",
    }
