"""What a call is, read off the SDK's own requests."""

import re
from pathlib import Path

import pytest

from provisioning.clients.google import api
from provisioning.clients.google.calls import TITLES, call_of, title_of
from provisioning.clients.google.quotas import QUOTAS

INSTANCE = "src-0123456789abcdef0123"


def projects():
    return api("cloudresourcemanager", "v3").projects()


def dns():
    return api("dns", "v1")


def storage():
    return api("storage", "v1")


@pytest.mark.parametrize(
    ("request_of", "method", "is_read", "subject"),
    [
        (
            lambda: api("compute", "v1").networks().get(project=INSTANCE, network="n"),
            "compute.networks.get",
            True,
            INSTANCE,
        ),
        (
            lambda: api("sqladmin", "v1").instances().insert(project=INSTANCE, body={}),
            "sqladmin.instances.insert",
            False,
            INSTANCE,
        ),
        (
            lambda: projects().create(body={"projectId": INSTANCE, "parent": "folders/1"}),
            "cloudresourcemanager.projects.create",
            False,
            INSTANCE,
        ),
        (
            lambda: projects().search(query=f"labels.instance:{INSTANCE} state:ACTIVE"),
            "cloudresourcemanager.projects.search",
            True,
            INSTANCE,
        ),
        (lambda: projects().search(query="state:ACTIVE"), "cloudresourcemanager.projects.search", True, ""),
        (
            lambda: projects().getIamPolicy(resource=f"projects/{INSTANCE}"),
            "cloudresourcemanager.projects.getIamPolicy",
            True,
            INSTANCE,
        ),
        (
            lambda: projects().setIamPolicy(
                resource=f"projects/{INSTANCE}",
                body={"policy": {"bindings": [{"members": ["serviceAccount:a@other.iam.gserviceaccount.com"]}]}},
            ),
            "cloudresourcemanager.projects.setIamPolicy",
            False,
            INSTANCE,
        ),
        (
            lambda: (
                api("iamcredentials", "v1")
                .projects()
                .serviceAccounts()
                .generateAccessToken(
                    name=f"projects/-/serviceAccounts/deployer@{INSTANCE}.iam.gserviceaccount.com", body={}
                )
            ),
            "iamcredentials.projects.serviceAccounts.generateAccessToken",
            False,
            INSTANCE,
        ),
        (
            lambda: (
                api("servicenetworking", "v1")
                .services()
                .connections()
                .list(parent="services/servicenetworking.googleapis.com", network="projects/42/global/networks/main")
            ),
            "servicenetworking.services.connections.list",
            True,
            "42",
        ),
        (
            lambda: dns().resourceRecordSets().list(project="host", managedZone="z", name="acme.example.com."),
            "dns.resourceRecordSets.list",
            True,
            "acme.example.com",
        ),
        (
            lambda: (
                dns()
                .changes()
                .create(project="host", managedZone="z", body={"additions": [{"name": "acme.example.com."}]})
            ),
            "dns.changes.create",
            False,
            "acme.example.com",
        ),
        (
            lambda: storage().objects().get(bucket="kept", object="src-1/op-1/pgsql.sql.gz"),
            "storage.objects.get",
            True,
            "src-1",
        ),
        (
            lambda: storage().buckets().setIamPolicy(bucket="kept", body={"bindings": []}),
            "storage.buckets.setIamPolicy",
            False,
            "",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_call_is_known_by_its_method_and_by_whom_it_is_about(request_of, method, is_read, subject):
    call = call_of(request_of())
    assert (call.method, call.is_read, call.subject) == (method, is_read, subject)
    assert call.service == method.split(".", maxsplit=1)[0]
    assert method.endswith(f".{call.verb}")


def test_every_api_that_is_called_has_a_title_and_a_quota(settings):
    sources = Path(settings.BASE_DIR, "provisioning").rglob("*.py")
    called = {name for source in sources for name in re.findall(r"\bapi\(\"([a-z]+)\"", source.read_text())}
    assert len(called) >= 14
    assert called <= set(TITLES)
    assert {name.partition(".")[0] for name in QUOTAS} == set(TITLES)
    assert title_of("newer") == "newer API"
