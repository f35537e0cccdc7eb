"""What a call to Google is, for those who count calls: which API, what kind, about whose project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

TITLES: Mapping[str, str] = {  # as the discovery documents call them
    "bigquery": "BigQuery API",
    "cloudbilling": "Cloud Billing API",
    "cloudresourcemanager": "Cloud Resource Manager API",
    "compute": "Compute Engine API",
    "container": "Kubernetes Engine API",
    "dns": "Cloud DNS API",
    "gkebackup": "Backup for GKE API",
    "iam": "Identity and Access Management API",
    "iamcredentials": "IAM Service Account Credentials API",
    "logging": "Cloud Logging API",
    "monitoring": "Cloud Monitoring API",
    "secretmanager": "Secret Manager API",
    "servicenetworking": "Service Networking API",
    "serviceusage": "Service Usage API",
    "sqladmin": "Cloud SQL Admin API",
    "storage": "Cloud Storage JSON API",
}
SERVICES = {"sql": "sqladmin"}  # whose method ids begin with another name
READING_POSTS = {"getIamPolicy", "testIamPermissions"}
PROJECT = re.compile(r"[/=\"]projects/([a-z0-9-]*[a-z0-9])\b")
ACCOUNT = re.compile(r"@([a-z0-9-]+)\.iam\.gserviceaccount\.com")  # of the project whose service account is named
DNS_NAME = re.compile(r"(?:[?&]name=|\"name\": \")([^&\"]+)\.")
NEW_PROJECT = re.compile(r"\"projectId\": \"([^\"]+)\"|labels\.instance:([a-z0-9-]+)")
STORED = re.compile(r"/b/[^/]+/o/([a-z0-9-]+)/")  # objects are named after their instance; a bucket is everybody's
NAMED_BY = {"dns": (DNS_NAME,), "storage": (STORED,)}


@dataclass(frozen=True)
class Call:
    """`method` is the discovery id, such as compute.networks.insert. `subject` is the instance's project that it is
    about, or its DNS name in the zone of all; "" where it is about no one in particular.
    """

    service: str
    method: str
    is_read: bool
    subject: str

    @property
    def verb(self) -> str:
        return self.method.rpartition(".")[2]


def call_of(request: Any) -> Call:
    """What the SDK's request is about to call."""
    prefix, _, rest = request.methodId.partition(".")
    service = SERVICES.get(prefix, prefix)
    method = f"{service}.{rest}"
    is_read = request.method == "GET" or rest.rpartition(".")[2] in READING_POSTS
    return Call(service, method, is_read, _subject(service, f"{unquote(request.uri)} {request.body or ''}"))


def title_of(service: str) -> str:
    """The API's name as people know it."""
    return TITLES.get(service, f"{service} API")


def _subject(service: str, text: str) -> str:
    for pattern in NAMED_BY.get(service, (PROJECT, ACCOUNT, NEW_PROJECT)):
        if found := pattern.search(text):
            return next(group for group in found.groups() if group)
    return ""
