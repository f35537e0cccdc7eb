"""Billing against devcloud: the real clients; only the far side is stood in for."""

from tests.provisioning.workflows.conftest import devcloud, devcloud_server

__all__ = ["devcloud", "devcloud_server"]
