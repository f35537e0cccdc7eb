"""Kubernetes API servers, enough of them for real Helm and real clients."""

from devcloud.kubernetes.app import create_kubernetes

__all__ = ["create_kubernetes"]
