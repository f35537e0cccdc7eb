"""What devcloud knows of an instance, counted by itself and not through the clients that made or removed it."""

from collections import Counter

import httpx

# What may name an instance after its end: the project, which is about to be purged, and what goes with it and bears
# neither data nor cost; marks that names were used; journals; the stand-in application's memory of its accounts, which
# in life are rows of the database that is gone; and the mail that was sent about it.
OUTLIVES = (
    "access_tokens",
    "applications",
    "cloudbilling.projects",
    "cloudresourcemanager.",
    "compute.requests",
    "dns.changes",
    "iam.",
    "mail",
    "operations",
    "secretmanager.",
    "servicenetworking.lingering",
    "serviceusage.services",
    "sql.tombstones",
    "timers",
)
ONE_EACH = (
    "cloudresourcemanager.liens",
    "cloudresourcemanager.projects",
    "compute.networks",
    "compute.routers",
    "compute.subnetworks",
    "container.clusters",
    "gkebackup.backupPlans",
    "monitoring.alertPolicies",
    "monitoring.uptimeCheckConfigs",
    "sql.instances",
)
HELM_REVISION = "sh.helm.release.v1."


class Census:
    """Asks one devcloud. `names` are what an instance is known by: its id and its domain."""

    def __init__(self, cloud_url: str) -> None:
        self._client = httpx.Client(base_url=f"{cloud_url}/_control/", trust_env=False, timeout=60)

    def duplicates_of(self, names: list[str]) -> list[str]:
        """What there is two of and must be one: of each kind of object, and of Helm releases."""
        documents = self._documents(names)
        counts = Counter(collection for collection, _ in documents if collection in ONE_EACH)
        found = [f"{count} of {collection}" for collection, count in counts.items() if count > 1]
        releases = {key.partition(HELM_REVISION)[2].rpartition(".v")[0] for _, key in documents if HELM_REVISION in key}
        return [*found, *([f"releases {sorted(releases)}"] if len(releases) > 1 else [])]

    def left_of(self, names: list[str]) -> list[str]:
        """`collection key` of each document that names the instance and should be gone."""
        return [f"{collection} {key}" for collection, key in self._documents(names) if not _outlives(collection)]

    def letters(self) -> Counter[str]:
        """How many mails came of each subject: it names the instance and what happened to it."""
        return Counter(letter["subject"] for letter in self._client.get("mail").raise_for_status().json()["mail"])

    def bring_cluster(self) -> str:
        """The kubeconfig of a new cluster that nobody's project holds."""
        return self._client.post("kubernetes/clusters", json={}).raise_for_status().text

    def _documents(self, names: list[str]) -> set[tuple[str, str]]:
        answers = [self._client.get("documents", params={"naming": name}).raise_for_status().json() for name in names]
        return {(found["collection"], found["key"]) for answer in answers for found in answer["documents"]}


def _outlives(collection: str) -> bool:
    return collection.startswith(OUTLIVES)
