"""Who may do what in the project: IAM's service accounts and policies."""

from typing import Any

from django.conf import settings

from provisioning.clients.google import api, execute, pages
from provisioning.clients.google.policies import grant, missing, revoke
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, NotYet, Seen
from provisioning.fleet.architectures import architecture_of
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences
from provisioning.steps.google import GoogleAction, begun, project_number
from provisioning.turns import NotItsTurn

Grant = tuple[str, str]  # role, member
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
OPENS_DATABASE = "roles/cloudsql.client"  # the nodes', while Cloud SQL's proxy runs on them
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
        changes = tuple(_ungranted(_agent_grant(context, service)) for service in waiting)
        return Differs(f"without its role: {', '.join(waiting)}", changes) if waiting else AsWanted()

    def create(self, context: Context) -> str:
        """The next agent has its role; where there is no such agent yet, it is asked for."""
        service = next(iter(self._missing(context)), None)
        if service is None:
            return "found every agent with its role"
        try:
            grant(_projects(), f"projects/{context.spec.id}", [_agent_grant(context, service)])
        except NotItsTurn:
            raise  # that tells nothing of the agent
        except NotYet:
            parent = f"projects/{context.spec.id}/services/{service}"
            request = api("serviceusage", "v1beta1").services().generateServiceIdentity(parent=parent)
            return begun(context, "serviceusage", request, f"make the agent of {service}")
        return f"granted the agent of {service} its role"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "serviceusage", "serviceAgents")

    def _missing(self, context: Context) -> list[str]:
        grants = {service: _agent_grant(context, service) for service in AGENTS}
        without = set(missing(_projects(), f"projects/{context.spec.id}", grants.values()))
        return [service for service, wanted in grants.items() if wanted in without]


class ServiceAccounts(GoogleAction):
    """Service accounts"""

    def see(self, context: Context) -> Seen:
        found = _found_accounts(context.spec)
        if not found:
            return Missing("iam.googleapis.com lists none of them")
        changes = differences({"accounts": _wanted_accounts()}, {"accounts": found})
        return Differs.in_settings(changes) if changes else AsWanted()

    def create(self, context: Context) -> str:
        """The next account is there, may be used, and says whose it is."""
        found = {account["name"]: account for account in _found_accounts(context.spec)}
        for account, title in ACCOUNTS.items():
            there, path = found.get(account), _account_path(context.spec, account)
            if there is None:
                body = {"accountId": account, "serviceAccount": {"displayName": title}}
                execute(_accounts().create(name=f"projects/{context.spec.id}", body=body))
                return f"made the service account {account}"
            if there["disabled"]:
                execute(_accounts().enable(name=path, body={}))
                return f"enabled the service account {account}"
            if there["displayName"] != title:
                body = {"serviceAccount": {"displayName": title}, "updateMask": "displayName"}
                execute(_accounts().patch(name=path, body=body))
                return f"named the service account {account}"
        return "found every account made"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "iam", "serviceAccounts")


class Permissions(GoogleAction):
    """Permissions"""

    def see(self, context: Context) -> Seen:
        lacking, superfluous = _ungranted_and_superfluous(context.spec)
        lacking += missing(_accounts(), _deployer(context.spec), _portal_grants())
        changes = tuple(_ungranted(grant) for grant in lacking)
        if superfluous:
            changes += tuple(Change(f"bindings[{role}]", None, member) for role, member in superfluous)
            return Differs.in_settings(changes)
        return Differs(f"not granted: {', '.join(role for role, _ in lacking)}", changes) if lacking else AsWanted()

    def create(self, context: Context) -> str:
        project = f"projects/{context.spec.id}"
        lacking, superfluous = _ungranted_and_superfluous(context.spec)
        if lacking:
            grant(_projects(), project, lacking)
            return "granted the accounts their roles"
        if superfluous:
            revoke(_projects(), project, superfluous)
            return "took from the nodes what they need no more"
        grant(_accounts(), _deployer(context.spec), _portal_grants())
        return "allowed the portal to act as the deployer"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "cloudresourcemanager", "iamPolicy")


def _projects() -> Any:
    return api("cloudresourcemanager", "v3").projects()


def _accounts() -> Any:
    return api("iam", "v1").projects().serviceAccounts()


def _ungranted(grant: tuple[str, str]) -> Change:
    role, member = grant
    return Change(f"bindings[{role}]", member, None)


def _wanted_accounts() -> list[dict[str, Any]]:
    return [{"name": name, "displayName": title, "disabled": False} for name, title in ACCOUNTS.items()]


def _found_accounts(spec: InstanceSpec) -> list[dict[str, Any]]:
    """Those of ours that are there, in the form of what is wanted; Google's own and others' are left out."""
    emails = {names.account_email(spec, account): account for account in ACCOUNTS}
    listing = pages(_accounts(), _accounts().list(name=f"projects/{spec.id}"))
    found = [account for page in listing for account in page.get("accounts", ()) if account["email"] in emails]
    return [
        {
            "name": emails[account["email"]],
            "displayName": account.get("displayName", ""),
            "disabled": account.get("disabled", False),
        }
        for account in found
    ]


def _account_path(spec: InstanceSpec, account: str) -> str:
    return f"projects/{spec.id}/serviceAccounts/{names.account_email(spec, account)}"


def _deployer(spec: InstanceSpec) -> str:
    return _account_path(spec, names.DEPLOYER_ACCOUNT)


def _grants(spec: InstanceSpec) -> list[tuple[str, str]]:
    return [(role, f"serviceAccount:{names.account_email(spec, account)}") for role, account in GRANTS.items()]


def _ungranted_and_superfluous(spec: InstanceSpec) -> tuple[list[Grant], list[Grant]]:
    """What the project's policy lacks, and what of an earlier architecture it still gives. One read."""
    opening = OPENS_DATABASE, f"serviceAccount:{names.account_email(spec, names.NODES_ACCOUNT)}"
    lacking = missing(_projects(), f"projects/{spec.id}", [*_grants(spec), opening])
    if not architecture_of(spec.architecture).private_database:
        return lacking, []
    return [held for held in lacking if held != opening], [] if opening in lacking else [opening]


def _agent_grant(context: Context, service: str) -> tuple[str, str]:
    domain, role = AGENTS[service]
    return role, f"serviceAccount:service-{project_number(context)}@{domain}.iam.gserviceaccount.com"


def _portal_grants() -> list[tuple[str, str]]:
    """That the portal may act as the deployer; not needed where its rights on the folder already say so."""
    account = settings.GOOGLE_PORTAL_ACCOUNT
    return [(MAKES_TOKENS, f"serviceAccount:{account}")] if account else []
