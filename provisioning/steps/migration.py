"""The migration of the databases' schema: a Job of its own, so that no workload changes before it has succeeded.

Data goes only forward. Undone, the Job is removed, and the schema stays as new as it has become.
"""

from typing import Any, Final

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
from lightkube.types import CascadeType

from provisioning.clients.kubernetes import is_absent, is_taken, name_of, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import attempt, is_of_operation
from provisioning.steps.kubernetes import ClusterAction, get
from provisioning.steps.release import wanted_values
from provisioning.steps.rollout import is_over, last_words_of, why_failed

IMAGE: Final = "index.docker.io/sourcegraph/migrator"
TRY = "try"
APP: Final = {"app": "migration"}
TRIES_OF_KUBERNETES: Final = 2
KEPT_SECONDS: Final = 7 * 24 * 3600  # for who wants to read its logs
# How the application calls what each database's Secret holds. Source: deploy-sourcegraph-helm 5.11.0, migrator.
PREFIXES = {"pgsql": "PG", "codeIntelDB": "CODEINTEL_PG", "codeInsightsDB": "CODEINSIGHTS_PG"}
KEYS = ("database", "host", "password", "port", "user")
USER, GROUP = 100, 101


class Migration(ClusterAction):
    """Migration of the databases

    A Job that another upgrade to the same version has left is replaced: the databases may have been restored since.
    """

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/jobs/{_name(spec)}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        job = get(cluster, Job, _name(context.spec), names.namespace(context.spec))
        if job is None:
            return Missing(f"the API server answered 404 to jobs/{_name(context.spec)}")
        if job.metadata.deletionTimestamp:
            return UnderWay("an earlier migration to be gone", seconds(5))
        if context.is_going_back:
            return Differs("its Job is there")
        return _seen(cluster, job, context)

    def create_in(self, cluster: Client, context: Context) -> str:
        """One that does not count goes first, with its pods, so that two never migrate at once."""
        job = get(cluster, Job, _name(context.spec), names.namespace(context.spec))
        if job is None:
            with suppressed(is_taken):
                cluster.create(_job(context))
            return f"began to migrate the databases to {context.spec.app_version}"
        if _try(job) == attempt(context):
            return "found it begun already"
        return self.remove_in(cluster, context)

    def remove_in(self, cluster: Client, context: Context) -> str:
        name = _name(context.spec)
        with suppressed(is_absent):
            cluster.delete(Job, name, namespace=names.namespace(context.spec), cascade=CascadeType.FOREGROUND)
        return f"removed the Job {name}"


def _name(spec: InstanceSpec) -> str:
    version = spec.app_version.lower().replace(".", "-").replace("_", "-").replace("+", "-")
    return f"migration-{version}"[:52].rstrip("-")  # pods' names add to it


def _seen(cluster: Client, job: Job, context: Context) -> Seen:
    if not is_of_operation(context, _try(job)):
        return Differs("the Job of an earlier upgrade is there")
    if is_over(job):
        return AsWanted({"job": _name(context.spec)})
    if not (why := why_failed(job)):
        return UnderWay(f"the databases to be migrated to {context.spec.app_version}", seconds(30))
    if _try(job) == attempt(context):
        raise _refused(cluster, job)
    return Differs(f"it failed the last time: {why}")


def _try(job: Job) -> str:
    return str((job.metadata.labels if job.metadata and job.metadata.labels else {}).get(TRY, ""))


def _refused(cluster: Client, job: Job) -> Refused:
    return Refused(
        f"The migration of the databases failed: {last_words_of(cluster, job, TRY)}.",
        f"Read the logs of the Job {name_of(job)}, mend the cause, then retry. No workload has been changed.",
    )


def _job(context: Context) -> Job:
    labels = {**context.spec.labels, **APP, TRY: attempt(context)}
    metadata = ObjectMeta(name=_name(context.spec), namespace=names.namespace(context.spec), labels=labels)
    pod = PodSpec(restartPolicy="Never", containers=[_container(context.spec)])
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=pod)
    spec = JobSpec(template=template, backoffLimit=TRIES_OF_KUBERNETES, ttlSecondsAfterFinished=KEPT_SECONDS)
    return Job(metadata=metadata, spec=spec)


def _container(spec: InstanceSpec) -> Container:
    resources: dict[str, Any] = wanted_values(spec)["migrator"]["resources"]
    return Container(
        name="migrator",
        image=f"{IMAGE}:{spec.app_version}",
        args=["up"],
        env=[_variable(key, database, field) for key, database in names.DATABASES.items() for field in KEYS],
        resources=ResourceRequirements(**resources),
        securityContext=SecurityContext(
            allowPrivilegeEscalation=False,
            capabilities=Capabilities(drop=["ALL"]),
            readOnlyRootFilesystem=True,
            runAsUser=USER,
            runAsGroup=GROUP,
        ),
        terminationMessagePolicy="FallbackToLogsOnError",
    )


def _variable(key: str, database: str, field: str) -> EnvVar:
    source = EnvVarSource(secretKeyRef=SecretKeySelector(name=names.database_secret(database), key=field))
    return EnvVar(name=f"{PREFIXES[key]}{field.upper()}", valueFrom=source)
