"""The same running stand and fresh cluster as for the API server."""

from tests.devcloud.kubernetes.conftest import api, cluster, eventually, stand

__all__ = ["api", "cluster", "eventually", "stand"]
