"""The instance's generated passwords: kept in its secret store and nowhere else."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from provisioning.clients.kubernetes import connected
from provisioning.clients.secrets import GoogleSecrets, KubernetesSecrets, SecretStore
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, NotYet, Seen
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.executors import executors_of
from provisioning.steps.google import GoogleAction

PASSWORD_BYTES = 24


class Secrets(GoogleAction):
    """Secrets

    What was generated once stays, though a feature that needed it has gone: it opens nothing any more.
    """

    def see(self, context: Context) -> Seen:
        with store_of(context.spec) as store:
            wanted = _wanted(context.spec)
            absent = [name for name in wanted if store.read(name) is None]
        if len(absent) == len(wanted):
            return Missing("the secret store holds none of them")
        changes = tuple(Change(f"secrets[{name}]", {"name": name}, None) for name in absent)
        return Differs(f"not there: {', '.join(absent)}", changes) if absent else AsWanted()

    def create(self, context: Context) -> str:
        with store_of(context.spec) as store:
            for name in _wanted(context.spec):
                store.write(name, secrets.token_urlsafe(PASSWORD_BYTES))
        return "generated the passwords that were not there"

    def resource(self, context: Context) -> str:
        if context.spec.tenancy == Tenancy.DEDICATED:
            return names.project_resource(context.spec, "secretmanager", "secrets")
        return f"namespaces/{names.namespace(context.spec)}/secrets"


def read_secret(store: SecretStore, name: str) -> str:
    """One that this step has generated. Raises NotYet before it can be read."""
    found = store.read(name)
    if found is None:
        raise NotYet("the generated password to be readable")
    return found


@contextmanager
def store_of(spec: InstanceSpec) -> Iterator[SecretStore]:
    """Where the instance's secrets are: in its project, or else in its namespace."""
    if spec.tenancy == Tenancy.DEDICATED:
        yield GoogleSecrets(spec.id, spec.labels)
        return
    with connected(kubeconfig_for(spec)) as cluster:
        yield KubernetesSecrets(cluster, names.namespace(spec), spec.labels)


def _wanted(spec: InstanceSpec) -> tuple[str, ...]:
    always = (names.DATABASE_PASSWORD, names.ADMIN_PASSWORD)
    return (*always, names.EXECUTOR_TOKEN) if executors_of(spec) else always
