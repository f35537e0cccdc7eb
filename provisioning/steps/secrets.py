"""The instance's generated passwords: kept in its secret store and nowhere else."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from provisioning.clients.kubernetes import connected
from provisioning.clients.secrets import GoogleSecrets, KubernetesSecrets, SecretStore
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, Seen
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.google import GoogleAction

PASSWORD_BYTES = 24
WANTED = (names.DATABASE_PASSWORD, names.ADMIN_PASSWORD)


class Secrets(GoogleAction):
    """Secrets"""

    def see(self, context: Context) -> Seen:
        with store_of(context.spec) as store:
            absent = [name for name in WANTED if store.read(name) is None]
        if len(absent) == len(WANTED):
            return Missing("the secret store holds none of them")
        changes = tuple(Change(f"secrets[{name}]", {"name": name}, None) for name in absent)
        return Differs(f"not there: {', '.join(absent)}", changes) if absent else AsWanted()

    def create(self, context: Context) -> str:
        with store_of(context.spec) as store:
            for name in WANTED:
                store.write(name, secrets.token_urlsafe(PASSWORD_BYTES))
        return "generated the passwords that were not there"

    def resource(self, context: Context) -> str:
        if context.spec.tenancy == Tenancy.DEDICATED:
            return names.project_resource(context.spec, "secretmanager", "secrets")
        return f"namespaces/{names.namespace(context.spec)}/secrets"


@contextmanager
def store_of(spec: InstanceSpec) -> Iterator[SecretStore]:
    """Where the instance's secrets are: in its project, or else in its namespace."""
    if spec.tenancy == Tenancy.DEDICATED:
        yield GoogleSecrets(spec.id, spec.labels)
        return
    with connected(kubeconfig_for(spec)) as cluster:
        yield KubernetesSecrets(cluster, names.namespace(spec), spec.labels)
