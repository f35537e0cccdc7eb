"""Opaque ids: a short prefix that says what it is, and random hex digits. Never renamed, never reused."""

import secrets
from functools import partial


def new_id(prefix: str, hex_digits: int = 20) -> str:
    """For example `src-3f2a…`: fits Google's project ids (6 to 30 characters, a letter first)."""
    return f"{prefix}-{secrets.token_hex(hex_digits // 2)}"


organization_id = partial(new_id, "org")
instance_id = partial(new_id, "src")
operation_id = partial(new_id, "op")
cluster_id = partial(new_id, "byok")
survey_id = partial(new_id, "srv")
certificate_id = partial(new_id, "cert")
rollout_id = partial(new_id, "rol")
