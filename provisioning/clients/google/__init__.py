"""Google Cloud through its own Python client: `api(name, version)` for a service, `execute(request)` for a call.

What Google's answers mean is decided in `errors` alone; operations of both families are read in `operations`. All
workers keep Google's quotas together (`quotas`), and notice together when a service fails for everyone (`breaker`).
"""

from provisioning.clients.google.errors import (
    AlreadyExists,
    Forbidden,
    GoogleError,
    NotFound,
    Passing,
    ServiceDisabled,
)
from provisioning.clients.google.session import api, execute, pages

__all__ = [
    "AlreadyExists",
    "Forbidden",
    "GoogleError",
    "NotFound",
    "Passing",
    "ServiceDisabled",
    "api",
    "execute",
    "pages",
]
