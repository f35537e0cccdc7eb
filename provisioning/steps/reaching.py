"""An instance's application from outside, past its allow list where it has one."""

import secrets

from provisioning.clients.application import Application
from provisioning.clients.google import Forbidden, ServiceDisabled
from provisioning.clients.secrets import GoogleSecrets
from provisioning.fleet.features import ALLOW_LIST
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.secrets import store_of

PASS_BYTES = 32


def application_of(spec: InstanceSpec) -> Application:
    """Reached as its people reach it; with the portal's pass where only some addresses are let in."""
    has_list = spec.has_part(ALLOW_LIST) and spec.tenancy == Tenancy.DEDICATED
    return Application(spec.domain, probe_pass(spec) or "" if has_list else "")


def probe_pass(spec: InstanceSpec) -> str | None:
    """What lets the portal in, from the instance's secret store; None where none has been made."""
    with store_of(spec) as store:
        return store.read(names.PROBE_PASS)


def make_probe_pass(spec: InstanceSpec) -> None:
    """There is one. It stays when the allow list goes: a later one is opened by the same."""
    with store_of(spec) as store:
        store.write(names.PROBE_PASS, secrets.token_urlsafe(PASS_BYTES))


def probe_pass_in(project: str) -> str | None:
    """The same for who knows the project alone; None also where there is no such project, or none that we may read.

    Google answers the same to both.
    """
    try:
        return GoogleSecrets(project, {}).read(names.PROBE_PASS)
    except (Forbidden, ServiceDisabled):
        return None
