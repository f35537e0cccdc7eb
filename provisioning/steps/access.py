"""Who may do what in the project: IAM's service accounts and policies."""

from typing import Any

from django.conf import settings

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.policies import grant, missing
from provisioning.engine.action import AsWanted, Context, Differs, NotYet, Seen
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import GoogleAction, begun, project_number

ACCOUNTS = {
    names.NODES_ACCOUNT: "The instance's Kubernetes nodes",
    names.DEPLOYER_ACCOUNT: "The portal, when it installs the application",
}
# The least a node needs to report and to pull images; the least that Helm needs.
GRANTS = {
    "roles/logging.logWriter": names.NODES_ACCOUNT,
    "roles/monitoring.metricWriter": names.NODES_ACCOUNT,
    "roles/monitoring.viewer": names.NODES_ACCOUNT,
    "roles/stackdriver.resourceMetadata.writer": names.NODES_ACCOUNT,
    "roles/artifactregistry.reader": names.NODES_ACCOUNT,
    "roles/container.admin": names.DEPLOYER_ACCOUNT,
}
MAKES_TOKENS = "roles/iam.serviceAccountTokenCreator"
# Google's own accounts that have to be there before their services are first used: the service, its domain, its role.
AGENTS = {
    "servicenetworking.googleapis.com": ("service-networking", "roles/servicenetworking.serviceAgent"),
    "gkebackup.googleapis.com": ("gcp-sa-gkebackup", "roles/gkebackup.serviceAgent"),
}


class ServiceAgents(GoogleAction):
    """Google's service agents"""

    def see(self, context: Context) -> Seen:
        waiting = self._missing(context)
        return Differs(f"without its role: {', '.join(waiting)}") if waiting else AsWanted()

    def create(self, context: Context) -> str:
        """The next agent has its role; where there is no such agent yet, it is asked for."""
        service = next(iter(self._missing(context)), None)
        if service is None:
            return "found every agent with its role"
        try:
            grant(_projects(), f"projects/{context.spec.id}", [_agent_grant(context, service)])
        except NotYet:
            parent = f"projects/{context.spec.id}/services/{service}"
            request = api("serviceusage", "v1beta1").services().generateServiceIdentity(parent=parent)
            return begun(context, "serviceusage", request, f"make the agent of {service}")
        return f"granted the agent of {service} its role"

    def _missing(self, context: Context) -> list[str]:
        grants = {service: _agent_grant(context, service) for service in AGENTS}
        without = set(missing(_projects(), f"projects/{context.spec.id}", grants.values()))
        return [service for service, wanted in grants.items() if wanted in without]


class ServiceAccounts(GoogleAction):
    """Service accounts"""

    def see(self, context: Context) -> Seen:
        absent = self._missing(context)
        return Differs(f"not there: {', '.join(absent)}") if absent else AsWanted()

    def create(self, context: Context) -> str:
        account = next(iter(self._missing(context)), None)
        if account is None:
            return "found every account made"
        body = {"accountId": account, "serviceAccount": {"displayName": ACCOUNTS[account]}}
        execute(_accounts().create(name=f"projects/{context.spec.id}", body=body))
        return f"made the service account {account}"

    def _missing(self, context: Context) -> list[str]:
        return [account for account in ACCOUNTS if not _exists(context.spec, account)]


class Permissions(GoogleAction):
    """Permissions"""

    def see(self, context: Context) -> Seen:
        project = f"projects/{context.spec.id}"
        lacking = missing(_projects(), project, _grants(context.spec))
        lacking += missing(_accounts(), _deployer(context.spec), _portal_grants())
        return Differs(f"not granted: {', '.join(role for role, _ in lacking)}") if lacking else AsWanted()

    def create(self, context: Context) -> str:
        project = f"projects/{context.spec.id}"
        if missing(_projects(), project, _grants(context.spec)):
            grant(_projects(), project, _grants(context.spec))
            return "granted the accounts their roles"
        grant(_accounts(), _deployer(context.spec), _portal_grants())
        return "allowed the portal to act as the deployer"


def _projects() -> Any:
    return api("cloudresourcemanager", "v3").projects()


def _accounts() -> Any:
    return api("iam", "v1").projects().serviceAccounts()


def _exists(spec: InstanceSpec, account: str) -> bool:
    try:
        execute(_accounts().get(name=_account_path(spec, account)))
    except NotFound:
        return False
    return True


def _account_path(spec: InstanceSpec, account: str) -> str:
    return f"projects/{spec.id}/serviceAccounts/{names.account_email(spec, account)}"


def _deployer(spec: InstanceSpec) -> str:
    return _account_path(spec, names.DEPLOYER_ACCOUNT)


def _grants(spec: InstanceSpec) -> list[tuple[str, str]]:
    return [(role, f"serviceAccount:{names.account_email(spec, account)}") for role, account in GRANTS.items()]


def _agent_grant(context: Context, service: str) -> tuple[str, str]:
    domain, role = AGENTS[service]
    return role, f"serviceAccount:service-{project_number(context)}@{domain}.iam.gserviceaccount.com"


def _portal_grants() -> list[tuple[str, str]]:
    """That the portal may act as the deployer; not needed where its rights on the folder already say so."""
    account = settings.GOOGLE_PORTAL_ACCOUNT
    return [(MAKES_TOKENS, f"serviceAccount:{account}")] if account else []
