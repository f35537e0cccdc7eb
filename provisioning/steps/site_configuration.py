"""What the application is to know of itself: the keys of its site configuration that are the portal's (decision 16).

It keeps that as JSON with comments in its database, newest row first, for its people to edit. A Job runs one statement
of SQL there (`site_configuration.sql`), which sets our keys and touches nothing else. Sources: upstream's ConfStore
(internal/database/conf.go) and the comment on the column redacted_contents of its schema, read 2026-12-01.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from lightkube.core.client import Client
from lightkube.models.batch_v1 import JobSpec
from lightkube.models.core_v1 import (
    Capabilities,
    Container,
    EnvVar,
    EnvVarSource,
    PodSpec,
    PodTemplateSpec,
    ResourceRequirements,
    SecretKeySelector,
    SecurityContext,
)
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Secret
from lightkube.types import CascadeType

from provisioning.clients.kubernetes import is_absent, is_taken, name_of, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, Seen, UnderWay, seconds
from provisioning.fleet.domains import custom_name
from provisioning.fleet.features import ASSISTANT
from provisioning.models import Kind
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.custom_domain import is_in_force
from provisioning.steps.executors import FRONTEND, executors_of
from provisioning.steps.google import attempt
from provisioning.steps.kubernetes import ClusterAction
from provisioning.steps.rollout import is_over, last_words_of, why_failed
from provisioning.steps.secrets import read_secret, store_of

EXTERNAL_URL: Final = "externalURL"
# What executors need (sourcegraph.com/docs/admin/executors). On Kubernetes they run batch changes only where this flag
# is on, which no site configuration can set.
EXECUTOR_TOKEN, EXECUTOR_URL = "executors.accessToken", "executors.frontendURL"
INDEXING: Final = "codeIntelAutoIndexing.enabled"
FLAG: Final = "flag:"
NATIVE_EXECUTION: Final = f"{FLAG}native-ssbc-execution"
# The assistant, off by an explicit false: sourcegraph.com/docs/cody/enterprise/completions-configuration, 2026-12-01.
ASSISTANT_ON, ASSISTANT_MODELS = "cody.enabled", "completions"
OWNED: Final = (
    EXTERNAL_URL, EXECUTOR_TOKEN, EXECUTOR_URL, INDEXING, NATIVE_EXECUTION, ASSISTANT_ON, ASSISTANT_MODELS,
)  # fmt: skip

SQL: Final = Path(__file__).with_suffix(".sql")
IMAGE: Final = "index.docker.io/library/postgres:17.6-alpine"  # for its psql; any newer one will do
USER, GROUP = 70, 70
# Terse, since PostgreSQL's details quote whole rows, and these hold secrets.
COMMAND: Final = ["psql", "--no-psqlrc", "--quiet", "--set=VERBOSITY=terse", f"--command={SQL.read_text()}"]
APP: Final = {"app": names.SITE_CONFIGURATION}
REVISION, FINGERPRINT, TRY, KEYS = "revision", "fingerprint", "try", "portal/keys"
WISH: Final = "options"
ONLY_TENANT: Final = 1  # newer schemas take a row's tenant from the session (default of the columns tenant_id)
TRIES_OF_KUBERNETES: Final = 4  # the database may be away for a minute
DEADLINE_SECONDS: Final = 600  # one that never starts is not to be waited for for ever
CONNECTION = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "database"}
RESOURCES = ResourceRequirements(requests={"cpu": "50m", "memory": "64Mi"}, limits={"cpu": "500m", "memory": "128Mi"})


class SiteConfiguration(ClusterAction):
    """Settings of the application

    The newest Job tells what was wanted last, by a fingerprint, and which keys were set, so that those are removed that
    are wanted no more. What people set themselves is theirs. In a suspended instance nothing runs. Its address is the
    custom domain as long as people can reach it by that, else its own.
    """

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/jobs/{names.SITE_CONFIGURATION}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        if context.spec.is_suspended:
            return AsWanted()
        jobs = _jobs(cluster, context.spec)
        if not jobs:
            return Missing("the API server listed no Jobs that set them")
        if any(job.metadata and job.metadata.deletionTimestamp for job in jobs):
            return UnderWay("an earlier Job to be gone", seconds(5))
        return _seen(cluster, context, jobs, self._address(cluster, context))

    def create_in(self, cluster: Client, context: Context) -> str:
        """A new Job comes first, and the former ones go once it has succeeded: they tell what there is to remove."""
        jobs, address = _jobs(cluster, context.spec), self._address(cluster, context)
        if not jobs or _is_out_of_date(context, jobs[0], address):
            return _begin(cluster, context, jobs, address)
        if is_over(jobs[0]):
            return _remove(cluster, context.spec, jobs[1:])
        return "found it begun already"

    def remove_in(self, cluster: Client, context: Context) -> str:
        return _remove(cluster, context.spec, _jobs(cluster, context.spec))

    def _address(self, cluster: Client, context: Context) -> str:
        return custom_name(context.spec) if is_in_force(cluster, context.spec) else context.spec.domain


class Links(SiteConfiguration):
    """Links under the custom domain

    It stands after the line that waits until that is in force. Going back, what is in force is not waited for.
    """

    def _address(self, cluster: Client, context: Context) -> str:
        if context.is_going_back:
            return super()._address(cluster, context)
        return custom_name(context.spec) or context.spec.domain


def settings_of(spec: InstanceSpec, secret: Callable[[str], str] = str, address: str = "") -> dict[str, Any]:
    """Our keys and their values, with secrets as `secret` knows them by name; what begins with `flag:` is a flag.

    `address` is the name in its links; its own domain where none is given.
    """
    found: dict[str, Any] = {EXTERNAL_URL: str(settings.INSTANCE_URL_FORMAT).format(domain=address or spec.domain)}
    if executors_of(spec):
        found |= {EXECUTOR_TOKEN: secret(names.EXECUTOR_TOKEN), EXECUTOR_URL: FRONTEND}
        found |= {INDEXING: True, NATIVE_EXECUTION: True}
    return found | _assistant(spec)


def fingerprint(spec: InstanceSpec, address: str = "") -> str:
    """Of what is wanted: of what is generated once by its name, of the provider's key by its value, which changes."""
    return hashlib.sha256(json.dumps(settings_of(spec, address=address), sort_keys=True).encode()).hexdigest()[:32]


def _assistant(spec: InstanceSpec) -> dict[str, Any]:
    """Whether it is on. Where nobody sells it, the key is the customers' own."""
    if not settings.ASSISTANT_PROVIDER:
        return {}
    if not spec.has_part(ASSISTANT) or spec.kind == Kind.REHEARSAL:
        return {ASSISTANT_ON: False}
    models = {
        "provider": settings.ASSISTANT_PROVIDER,
        "endpoint": settings.ASSISTANT_ENDPOINT,
        "accessToken": settings.ASSISTANT_ACCESS_TOKEN,
        "chatModel": settings.ASSISTANT_CHAT_MODEL,
        "fastChatModel": settings.ASSISTANT_CHAT_MODEL,
        "completionModel": settings.ASSISTANT_COMPLETION_MODEL,
    }
    return {ASSISTANT_ON: True, ASSISTANT_MODELS: {name: value for name, value in models.items() if value}}


def options(wanted: Mapping[str, Any], unwanted: Collection[str]) -> str:
    """The command-line options of a PostgreSQL session in which the SQL finds its wish."""
    off = {key.removeprefix(FLAG): False for key in unwanted if key.startswith(FLAG)}
    wish = {
        "set": {key: value for key, value in wanted.items() if not key.startswith(FLAG)},
        "unset": sorted(key for key in unwanted if not key.startswith(FLAG)),
        "flags": off | {key.removeprefix(FLAG): value for key, value in wanted.items() if key.startswith(FLAG)},
    }
    encoded = base64.b64encode(json.dumps(wish).encode()).decode()
    return f"-c app.current_tenant={ONLY_TENANT} -c portal.wish={encoded}"


def _jobs(cluster: Client, spec: InstanceSpec) -> list[Job]:
    """All of ours, the newest first."""
    return sorted(cluster.list(Job, namespace=names.namespace(spec), labels={**APP}), key=_revision, reverse=True)


def _seen(cluster: Client, context: Context, jobs: list[Job], address: str) -> Seen:
    newest, is_other = jobs[0], _label(jobs[0], FINGERPRINT) != fingerprint(context.spec, address)
    why = why_failed(newest)
    if not why and not is_over(newest):
        return UnderWay("an earlier change of them" if is_other else "them to be written", seconds(5))
    if is_other:
        return Differs("others were set last")
    if why and _label(newest, TRY) == attempt(context):
        raise _refused(cluster, newest)
    if why:
        return Differs(f"it failed the last time: {why}")
    return Differs("the Job of an earlier change is there") if jobs[1:] else AsWanted()


def _refused(cluster: Client, job: Job) -> Refused:
    return Refused(
        f"Setting what the application is to know of itself failed: {last_words_of(cluster, job, TRY)}.",
        f"Read the logs of the Job {name_of(job)}, mend the cause, then retry. Its configuration is as it was.",
    )


def _is_out_of_date(context: Context, job: Job, address: str) -> bool:
    """Whether another Job is needed: never beside one that is still at it."""
    if why_failed(job):
        return _label(job, TRY) != attempt(context)
    return is_over(job) and _label(job, FINGERPRINT) != fingerprint(context.spec, address)


def _begin(cluster: Client, context: Context, former: list[Job], address: str) -> str:
    with store_of(context.spec) as store:
        wanted = settings_of(context.spec, partial(read_secret, store), address)
    known = set(OWNED) if context.spec.kind == Kind.REHEARSAL else set[str]().union(*map(_keys, former))
    cluster.apply(_secret(context, options(wanted, known - set(wanted))), force=True)
    with suppressed(is_taken):
        revision = _revision(former[0]) + 1 if former else 1
        cluster.create(_job(context, revision, wanted, fingerprint(context.spec, address)))
    return f"began to set {', '.join(wanted)}"


def _remove(cluster: Client, spec: InstanceSpec, jobs: list[Job]) -> str:
    for job in jobs:
        with suppressed(is_absent):
            cluster.delete(Job, name_of(job), namespace=names.namespace(spec), cascade=CascadeType.BACKGROUND)
    return f"removed {', '.join(map(name_of, jobs))}" if jobs else "found it done already"


def _revision(job: Job) -> int:
    return int(_label(job, REVISION) or 0)


def _label(job: Job, name: str) -> str:
    return str((job.metadata.labels if job.metadata and job.metadata.labels else {}).get(name, ""))


def _keys(job: Job) -> set[str]:
    annotations = (job.metadata.annotations if job.metadata else None) or {}
    return set(json.loads(annotations.get(KEYS, "[]")))


def _secret(context: Context, wish: str) -> Secret:
    metadata = ObjectMeta(
        name=names.SITE_CONFIGURATION, namespace=names.namespace(context.spec), labels=context.spec.labels
    )
    return Secret(metadata=metadata, data={WISH: base64.b64encode(wish.encode()).decode()})


def _job(context: Context, revision: int, wanted: Mapping[str, Any], mark: str) -> Job:
    labels = {**context.spec.labels, **APP, REVISION: str(revision), TRY: attempt(context)}
    metadata = ObjectMeta(
        name=f"{names.SITE_CONFIGURATION}-{revision}",
        namespace=names.namespace(context.spec),
        labels={**labels, FINGERPRINT: mark},
        annotations={KEYS: json.dumps(sorted(wanted))},
    )
    pod = PodSpec(restartPolicy="Never", automountServiceAccountToken=False, containers=[_container()])
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=pod)
    spec = JobSpec(template=template, backoffLimit=TRIES_OF_KUBERNETES, activeDeadlineSeconds=DEADLINE_SECONDS)
    return Job(metadata=metadata, spec=spec)


def _container() -> Container:
    database = names.database_secret(names.DATABASES["pgsql"])
    connection = [_variable(name, database, field) for name, field in CONNECTION.items()]
    return Container(
        name="psql",
        image=IMAGE,
        command=COMMAND,
        env=[*connection, _variable("PGOPTIONS", names.SITE_CONFIGURATION, WISH)],
        resources=RESOURCES,
        securityContext=SecurityContext(
            allowPrivilegeEscalation=False,
            capabilities=Capabilities(drop=["ALL"]),
            readOnlyRootFilesystem=True,
            runAsNonRoot=True,
            runAsUser=USER,
            runAsGroup=GROUP,
        ),
        terminationMessagePolicy="FallbackToLogsOnError",
    )


def _variable(name: str, secret: str, key: str) -> EnvVar:
    return EnvVar(name=name, valueFrom=EnvVarSource(secretKeyRef=SecretKeySelector(name=secret, key=key)))
