"""A stand-in of Sourcegraph itself, on the host of each instance that runs in one of the clusters."""

from devcloud.application.app import create_application

__all__ = ["create_application"]
