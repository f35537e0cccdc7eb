"""Google Cloud as its discovery documents describe it, and as strict."""

from devcloud.google.dispatch import create_google

__all__ = ["create_google"]
