"""Each idempotency key stands for one deed: who repeats a call gets the first answer again."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from devcloud.cloud import Cloud
from devcloud.stripe.errors import StripeError

_KEPT_SECONDS = 24 * 3600
_KEYS = "stripe_keys"
_AGES = "stripe_key_ages"
_LONGEST = 255


def fingerprint(verb: str, path: str, form: Mapping[str, Any]) -> str:
    """What must be the same for two calls to be the same."""
    return hashlib.sha256(f"{verb} {path} {json.dumps(form, sort_keys=True)}".encode()).hexdigest()


def earlier(cloud: Cloud, key: str, mark: str, at: float) -> Response | None:
    """The answer that was given before, or None for a new key. Raises StripeError where the key was used otherwise."""
    if len(key) > _LONGEST:
        raise StripeError(400, f"Idempotency-Key must be at most {_LONGEST} characters.", "idempotency_error")
    _forget(cloud, at)
    kept = cloud.store.get(_KEYS, key)
    if kept is None:
        return None
    if kept["fingerprint"] != mark:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise StripeError(400, message, "idempotency_error", "idempotency_key_reused")
    headers = {**kept["headers"], "Idempotent-Replayed": "true"}
    return JSONResponse(kept["body"], kept["status"], headers)


def keep(cloud: Cloud, key: str, mark: str, answer: Mapping[str, Any]) -> None:
    """The answer (its at, status, body and headers) is given to whoever comes with that key within a day."""
    cloud.store.put(_KEYS, key, {"fingerprint": mark, **answer})
    cloud.store.put(_AGES, f"{answer['at']:017.3f} {key}", {"key": key})


def in_use(key: str) -> StripeError:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later."
    )
    return StripeError(409, message, "idempotency_error", "idempotency_key_in_use")


def _forget(cloud: Cloud, at: float) -> None:
    while (oldest := cloud.store.first(_AGES)) and float(oldest[0].partition(" ")[0]) < at - _KEPT_SECONDS:
        cloud.store.delete(_AGES, oldest[0])
        cloud.store.delete(_KEYS, oldest[1]["key"])
