"""What is there from the start: the portal's own project, its DNS zone, and who pays."""

from collections.abc import Iterable

from devcloud.clock import now, rfc3339
from devcloud.cloud import Cloud
from devcloud.google.discovery import SERVICES
from devcloud.google.policies import ACCOUNTS
from devcloud.google.resources import etag
from devcloud.google.services.projects import BILLING_ACCOUNTS, BILLING_LINKS
from devcloud.google.services.record_sets import ZONES
from devcloud.google.tenancy import ENABLED, NUMBERS, PROJECTS

PORTAL_PROJECT = "portal-host"
PORTAL_NUMBER = "100000000001"
PORTAL_ACCOUNT = f"portal@{PORTAL_PROJECT}.iam.gserviceaccount.com"
DNS_ZONE = "instances"
DNS_NAME = "sourcegraph.localhost."
BILLING_ACCOUNT = "billingAccounts/000000-DEVCLD-000000"


def plant(cloud: Cloud, billing_accounts: Iterable[str] = (BILLING_ACCOUNT,)) -> None:
    """The portal's project, account, zone and the billing accounts exist; what is there already stays as it is."""
    store = cloud.store
    for account in billing_accounts:
        store.put(BILLING_ACCOUNTS, account, {"open": True})
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


def _keep(cloud: Cloud, collection: str, name: str, body: dict[str, str]) -> None:
    cloud.store.put(collection, name, {"body": body, "visible_at": 0, "ready": True})
