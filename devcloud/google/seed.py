"""What is there from the start: the portal's own project, its DNS zone, and who pays."""

from typing import Any

from devcloud.clock import now, rfc3339
from devcloud.cloud import Cloud
from devcloud.google.discovery import SERVICES
from devcloud.google.policies import ACCOUNTS
from devcloud.google.resources import etag
from devcloud.google.services.buckets import BUCKETS
from devcloud.google.services.projects import BILLING_ACCOUNTS, BILLING_LINKS
from devcloud.google.services.record_sets import ZONES
from devcloud.google.tenancy import ENABLED, NUMBERS, PROJECTS

PORTAL_PROJECT = "portal-host"
PORTAL_NUMBER = "100000000001"
PORTAL_ACCOUNT = f"portal@{PORTAL_PROJECT}.iam.gserviceaccount.com"
DNS_ZONE = "instances"
DNS_NAME = "sourcegraph.localhost."
BILLING_ACCOUNT = "billingAccounts/000000-DEVCLD-000000"
BACKUP_BUCKET = "portal-backups"
BACKUPS_ARE_KEPT_DAYS = 30


def plant(cloud: Cloud) -> None:
    """The portal's project, account, zone, bucket and the billing accounts exist; what is there stays as it is."""
    store = cloud.store
    for account in cloud.billing_accounts:
        store.put(BILLING_ACCOUNTS, account, {"open": True})
    if not store.get(BUCKETS, BACKUP_BUCKET):
        _keep(cloud, BUCKETS, BACKUP_BUCKET, _bucket())
    if store.get(PROJECTS, PORTAL_PROJECT):
        return
    body = {
        "name": f"projects/{PORTAL_NUMBER}",
        "projectId": PORTAL_PROJECT,
        "displayName": "Portal",
        "state": "ACTIVE",
        "createTime": rfc3339(now()),
        "etag": etag(),
    }
    _keep(cloud, PROJECTS, PORTAL_PROJECT, body)
    store.put(NUMBERS, PORTAL_NUMBER, {"id": PORTAL_PROJECT})
    store.put(BILLING_LINKS, PORTAL_PROJECT, {"account": BILLING_ACCOUNT})
    for service in SERVICES:
        store.put(ENABLED, f"{PORTAL_PROJECT}/{service}.googleapis.com", {"enabled_at": 0})
    person = {
        "name": f"projects/{PORTAL_PROJECT}/serviceAccounts/{PORTAL_ACCOUNT}",
        "email": PORTAL_ACCOUNT,
        "projectId": PORTAL_PROJECT,
        "uniqueId": "100000000000000000001",
    }
    _keep(cloud, ACCOUNTS, PORTAL_ACCOUNT, person)
    zone = {"kind": "dns#managedZone", "id": "1", "name": DNS_ZONE, "dnsName": DNS_NAME, "visibility": "public"}
    _keep(cloud, ZONES, f"projects/{PORTAL_PROJECT}/managedZones/{DNS_ZONE}", zone)


def _bucket() -> dict[str, Any]:
    """As docs/google-cloud.md has it made."""
    rule = {"action": {"type": "Delete"}, "condition": {"age": BACKUPS_ARE_KEPT_DAYS}}
    return {
        "kind": "storage#bucket",
        "id": BACKUP_BUCKET,
        "name": BACKUP_BUCKET,
        "projectNumber": PORTAL_NUMBER,
        "location": "US",
        "storageClass": "STANDARD",
        "metageneration": "1",
        "timeCreated": rfc3339(now()),
        "updated": rfc3339(now()),
        "etag": "CAE=",
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": {"retentionDurationSeconds": "0"},
        "lifecycle": {"rule": [rule]},
    }


def _keep(cloud: Cloud, collection: str, name: str, body: dict[str, Any]) -> None:
    cloud.store.put(collection, name, {"body": body, "visible_at": 0, "ready": True})
