"""What things are called in the cloud. All of it derives from the instance's id, or is the same in every project."""

from provisioning.fleet.standby import other_region
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec

NETWORK = "sourcegraph"
SUBNET = "sourcegraph"
POD_RANGE, SERVICE_RANGE = "pods", "services"
ROUTER = "sourcegraph"
OUTBOUND_ADDRESS = "outbound"
PRIVATE_RANGE = "private-services"
ADDRESS = "sourcegraph"
CLUSTER = "sourcegraph"
NODE_POOL, EXECUTOR_POOL = "main", "executors"
BACKUP_PLAN, STANDBY_PLAN, RESTORE_PLAN = "daily", "standby", "takeover"
RELEASE = "sourcegraph"
INGRESS = "sourcegraph-frontend"  # as the chart calls it
DATABASE_USER = "sourcegraph"
DATABASE_PROXY = "cloud-sql-proxy"
NODES_ACCOUNT, DEPLOYER_ACCOUNT = "gke-nodes", "deployer"
# The chart's three databases: the key of its values, the database, and the Kubernetes Secret that tells where it is.
DATABASES = {"pgsql": "pgsql", "codeIntelDB": "codeintel", "codeInsightsDB": "codeinsights"}
DATABASE_PASSWORD = "database-password"  # noqa: S105 - the name of a secret
ADMIN_PASSWORD = "site-admin-password"  # noqa: S105 - the name of a secret
EXECUTOR_TOKEN = "executor-token"  # noqa: S105 - the name of a secret
ADMIN_LINK = "site-admin-link"
USAGE_PING = "usage-ping"
PROBE_PASS = "probe-pass"  # noqa: S105 - the name of a secret
ALLOW_LIST = "allow-list"
ENDPOINT = "private-endpoint"
PRIVATE_ZONE = "private-host"
SITE_CONFIGURATION = "site-configuration"
LIEN_ORIGIN = "sourcegraph-cloud-portal"


def database_secret(database: str) -> str:
    return f"{database}-database"


def database_service(database: str) -> str:
    """What the chart calls the Service of a database in the cluster: pgsql, codeintel-db, codeinsights-db."""
    return database if database == "pgsql" else f"{database}-db"


def zone(spec: InstanceSpec) -> str:
    """Every region that is offered has a zone b."""
    return f"{spec.region}-b"


def sql_instance(spec: InstanceSpec) -> str:
    """A database server's name is its project's, wherever it stands: what was a standby once keeps its own."""
    return f"sql-{spec.id}-{spec.takeovers}" if spec.takeovers else f"sql-{spec.id}"


def standby_instance(spec: InstanceSpec) -> str:
    """What the server is called that follows, which is its name once it has taken over."""
    return f"sql-{spec.id}-{spec.takeovers + 1}"


def address(spec: InstanceSpec) -> str:
    """The public address: each region's load balancer has one of its own."""
    return f"{ADDRESS}-{spec.takeovers}" if spec.takeovers else ADDRESS


def cluster_path(spec: InstanceSpec) -> str:
    return f"projects/{spec.id}/locations/{zone(spec)}/clusters/{CLUSTER}"


def backup_plan_path(spec: InstanceSpec) -> str:
    return f"projects/{spec.id}/locations/{spec.region}/backupPlans/{BACKUP_PLAN}"


def standby_plan_path(spec: InstanceSpec) -> str:
    """In the other region, where a cluster can be restored from it."""
    return f"projects/{spec.id}/locations/{other_region(spec.region)}/backupPlans/{STANDBY_PLAN}"


def restore_plan_path(spec: InstanceSpec) -> str:
    """In the region of the cluster that is restored into."""
    return f"projects/{spec.id}/locations/{spec.region}/restorePlans/{RESTORE_PLAN}"


def network_path(project: str) -> str:
    return f"projects/{project}/global/networks/{NETWORK}"


def outbound_address_url(spec: InstanceSpec) -> str:
    """As Compute Engine writes it where something refers to the address."""
    place = f"projects/{spec.id}/regions/{spec.region}/addresses/{OUTBOUND_ADDRESS}"
    return f"https://www.googleapis.com/compute/v1/{place}"


def log_bucket_path(spec: InstanceSpec) -> str:
    """Where all of the project's logs are kept that nothing sends elsewhere."""
    return f"projects/{spec.id}/locations/global/buckets/_Default"


def account_email(spec: InstanceSpec, account: str) -> str:
    return f"{account}@{spec.id}.iam.gserviceaccount.com"


def namespace(spec: InstanceSpec) -> str:
    """One release to a cluster of its own, many to one that somebody brings."""
    return spec.id if spec.tenancy == Tenancy.BYOK else "sourcegraph"


def project_resource(spec: InstanceSpec, service: str, path: str = "") -> str:
    """The full name of something in the instance's project, as Cloud Asset Inventory writes it."""
    return f"//{service}.googleapis.com/projects/{spec.id}{path and '/'}{path}"


def is_ours(labels: dict[str, str] | None, spec: InstanceSpec) -> bool:
    """Whether something that bears these labels belongs to the instance."""
    return (labels or {}).get("instance") == spec.id
