"""Stripe's refusals, and how they look on the wire."""

from dataclasses import dataclass, field
from typing import Any

from devcloud.faults import Effect

_TYPES = {402: "card_error", 409: "idempotency_error"}


@dataclass
class StripeError(Exception):
    """A call is refused. `type` is such as invalid_request_error; empty fields are left out of the answer.

    `happened`: something has changed all the same, such as an invoice with one failed payment more.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str = ""
    param: str = ""
    decline_code: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    happened: bool = False

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON of the answer."""
        error = {
            "code": self.code,
            "decline_code": self.decline_code,
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}",
            "type": self.type,
            **self.details,
        }
        return {"error": {name: value for name, value in error.items() if value}}


def invalid(message: str, param: str = "", code: str = "") -> StripeError:
    return StripeError(400, message, param=param, code=code)


def missing(kind: str, key: str, param: str = "id") -> StripeError:
    """There is no such object; `kind` is its name in words."""
    return StripeError(404, f"No such {kind}: '{key}'", param=param, code="resource_missing")


def unknown_parameter(name: str) -> StripeError:
    return invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")


def missing_parameter(name: str) -> StripeError:
    return invalid(f"Missing required param: {name}.", name, "parameter_missing")


def card_declined(code: str, decline_code: str, message: str, details: dict[str, Any] | None = None) -> StripeError:
    return StripeError(402, message, "card_error", code, "", decline_code, details or {})


def unauthorized(message: str) -> StripeError:
    return StripeError(401, message)


def injected(effect: Effect) -> StripeError:
    """What a fault rule wants answered; its reason is the code."""
    code = "" if effect.reason == Effect.reason else effect.reason
    kind = "invalid_request_error" if effect.status in {400, 401, 403, 404, 429} else "api_error"
    return StripeError(effect.status, effect.message, _TYPES.get(effect.status, kind), code)
