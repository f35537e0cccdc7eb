"""What devcloud knows of an instance, counted by itself and not through the clients that made or removed it."""

from collections import Counter
from typing import Any

import httpx

from tools.chaos.records import Records

# What may name an instance after its end: the project, if it is about to be purged, and what goes with it and bears
# neither data nor cost; marks that names were used; journals; the stand-in application's memory of its accounts, which
# in life are rows of the database that is gone; the mail that was sent about it; and the final backup.
OUTLIVES = (
    "access_tokens",
    "applications",
    "cloudbilling.projects",
    "cloudresourcemanager.numbers",
    "cloudresourcemanager.projects",
    "compute.requests",
    "dns.changes",
    "iam.",
    "mail",
    "operations",
    "secretmanager.",
    "servicenetworking.lingering",
    "serviceusage.services",
    "sql.tombstones",
    "storage.objects",
    "timers",
)
# How many of a kind an instance has at most.
MOST = {
    "cloudresourcemanager.liens": 1,
    "cloudresourcemanager.projects": 1,
    "compute.globalAddresses": 2,  # the one that people reach, and the range of private services
    "compute.networks": 1,
    "compute.routers": 1,
    "compute.subnetworks": 1,
    "container.clusters": 1,
    "container.nodePools": 1,
    "dns.resourceRecordSets": 2,  # the address, and whose it is
    "gkebackup.backupPlans": 1,
    "monitoring.alertPolicies": 1,
    "monitoring.uptimeCheckConfigs": 1,
    "sql.instances": 1,
}
HELM_REVISION = "sh.helm.release.v1."
NAMESPACE = "/namespaces|"


class Census:
    """Asks one devcloud. `names` are what an instance is known by: its id and its domain."""

    def __init__(self, cloud_url: str) -> None:
        self._client = httpx.Client(base_url=cloud_url, trust_env=False, timeout=60)

    def close(self) -> None:
        self._client.close()

    def duplicates_of(self, names: list[str]) -> list[str]:
        """What there is more of than may be: of each kind of object, of namespaces, and of Helm releases."""
        documents = self._documents(names)
        counts = Counter(collection for collection, _ in documents)
        found = [
            f"{counts[collection]} of {collection}" for collection, most in MOST.items() if counts[collection] > most
        ]
        releases = {key.partition(HELM_REVISION)[2].rpartition(".v")[0] for _, key in documents if HELM_REVISION in key}
        namespaces = {key.rpartition("|")[2] for _, key in documents if key.startswith(NAMESPACE)}
        several = {"releases": releases, "namespaces": namespaces}
        return [*found, *(f"{word} {sorted(these)}" for word, these in several.items() if len(these) > 1)]

    def left_of(self, names: list[str]) -> list[str]:
        """`collection key` of each document that names the instance and should be gone."""
        return [f"{collection} {key}" for collection, key in self._documents(names) if not _outlives(collection)]

    def records(self) -> Records:
        """All that is on record now."""
        return Records(self._client.get("/_control/snapshot").raise_for_status().json())

    def version_at(self, domain: str) -> str:
        """What people are told there; empty when nobody answers."""
        answer = self._client.get("/__version", headers={"Host": domain})
        return answer.text.split()[0] if answer.is_success and answer.text.strip() else ""

    def letters(self) -> Counter[str]:
        """How many mails came of each subject: it names the instance and what happened to it.

        Copies with the same Message-ID are one mail, as they are to mail systems.
        """
        mails = {(letter["subject"], letter["message_id"] or letter["id"]) for letter in self._letters()}
        return Counter(subject for subject, _ in mails)

    def second_copies(self) -> int:
        """How often a mail came that had come before: its sender died before it had written that down."""
        known = [letter["message_id"] for letter in self._letters() if letter["message_id"]]
        return len(known) - len(set(known))

    def bring_cluster(self) -> str:
        """The kubeconfig of a new cluster that nobody's project holds."""
        return self._client.post("/_control/kubernetes/clusters", json={}).raise_for_status().text

    def _letters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._client.get("/_control/mail").raise_for_status().json()["mail"]
        return found

    def _documents(self, names: list[str]) -> set[tuple[str, str]]:
        answers = [
            self._client.get("/_control/documents", params={"naming": name}).raise_for_status().json() for name in names
        ]
        return {(found["collection"], found["key"]) for answer in answers for found in answer["documents"]}


def _outlives(collection: str) -> bool:
    return collection.startswith(OUTLIVES)
