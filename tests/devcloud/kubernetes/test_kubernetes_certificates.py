"""Google's managed certificates: what the public DNS and an ingress have to say before one is active."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from devcloud.cloud import Cloud
from devcloud.kubernetes.clusters import create_cluster
from devcloud.public_dns import forget, tell, told
from tests.devcloud.kubernetes.stand import Stand

CERTIFICATES = "/apis/networking.gke.io/v1/namespaces/default/managedcertificates"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
NAME, ADDRESS = "code.acme.com", "198.18.0.9"
_numbers = count(1)


@pytest.fixture
def google(stand: Stand) -> Iterator[httpx.Client]:
    """The API server of a cluster of Google's, whose project has a global address."""
    project = f"certified-{next(_numbers)}"

    def make() -> None:
        cluster = f"projects/{project}/locations/us-central1-b/clusters/one"
        stand.cloud.store.put("container.clusters", cluster, {"body": {}, "ready": True})
        reserved = {"body": {"address": ADDRESS}, "ready": True}
        stand.cloud.store.put("compute.globalAddresses", f"projects/{project}/global/addresses/main", reserved)
        cluster_id = f"{project}.us-central1-b.one"
        create_cluster(stand.cloud, cluster_id, owner=project, minor_version="1.33", ready_at=0.0, token="a-token")

    stand.on_loop(make)
    url = f"{stand.cloud.addresses.https_url}/clusters/{project}.us-central1-b.one"
    with httpx.Client(base_url=url, verify=stand.tls, headers={"Authorization": "Bearer a-token"}) as client:
        yield client
    stand.on_loop(lambda: forget_all(stand.cloud))


def forget_all(cloud: Cloud) -> None:
    for record in told(cloud):
        forget(cloud, record["name"])


@pytest.fixture
def lead(stand):
    def record(kind: str, *data: str, name: str = NAME) -> None:
        stand.on_loop(lambda: tell(stand.cloud, name, kind, {"data": list(data)}))

    return record


@pytest.fixture
def certificate(google, eventually):
    """Its status once it is the asked-for word."""
    google.post(CERTIFICATES, json={"metadata": {"name": "ours"}, "spec": {"domains": [NAME]}}).raise_for_status()

    def becomes(word: str) -> str:
        def status() -> str:
            found = google.get(f"{CERTIFICATES}/ours").json().get("status", {})
            shown = [each["status"] for each in found.get("domainStatus", ())]
            return str(found["certificateStatus"]) if shown == [word] else ""

        return str(eventually(status))

    return becomes


@pytest.fixture
def named(google):
    """An ingress has it, and takes every host."""
    service = {"service": {"name": "web", "port": {"number": 80}}}
    annotations = {
        "kubernetes.io/ingress.global-static-ip-name": "main",
        "networking.gke.io/managed-certificates": "another,ours",
    }
    body = {"metadata": {"name": "web", "annotations": annotations}, "spec": {"defaultBackend": service}}
    google.post(INGRESSES, json=body).raise_for_status()


def test_an_ingress_has_the_address_that_it_names(google, named, eventually):
    def address():
        found = google.get(f"{INGRESSES}/web").json().get("status", {}).get("loadBalancer", {})
        return [each["ip"] for each in found.get("ingress", ())]

    assert eventually(address) == [ADDRESS]


def test_without_an_ingress_it_waits(certificate, lead):
    lead("A", ADDRESS)
    assert certificate("Provisioning") == "Provisioning"


def test_it_is_active_once_the_name_leads_there(certificate, named, lead):
    assert certificate("FailedNotVisible") == "Provisioning"
    lead("A", ADDRESS)
    assert certificate("Active") == "Active"


@pytest.mark.parametrize(("kind", "data"), [("A", [ADDRESS, "203.0.113.7"]), ("AAAA", ["2001:db8::7"])])
def test_a_name_that_leads_elsewhere_as_well_is_not_visible(certificate, named, lead, kind, data):
    lead("A", ADDRESS)
    lead(kind, *data)
    assert certificate("FailedNotVisible") == "Provisioning"


def test_others_that_may_issue_alone_forbid_it(certificate, named, lead):
    lead("CAA", '0 issue "letsencrypt.org"', name="acme.com")
    lead("A", ADDRESS)
    assert certificate("FailedCaaForbidden") == "Provisioning"


def test_what_is_active_stays_so_wherever_the_name_leads(google, certificate, named, lead):
    lead("A", ADDRESS)
    certificate("Active")
    lead("A", "203.0.113.7")
    google.patch(
        f"{INGRESSES}/web",
        json={"metadata": {"labels": {"touched": "yes"}}},
        headers={"Content-Type": "application/merge-patch+json"},
    ).raise_for_status()
    assert certificate("Active") == "Active"


@pytest.mark.parametrize("domains", [[], ["*.acme.com"], [f"{'a' * 60}.acme.com"]])
def test_what_gets_no_certificate_is_refused(google, domains):
    answer = google.post(CERTIFICATES, json={"metadata": {"name": "odd"}, "spec": {"domains": domains}})
    assert answer.status_code == 422


def test_on_a_brought_cluster_nobody_issues_any(api):
    api.post(CERTIFICATES, json={"metadata": {"name": "ours"}, "spec": {"domains": [NAME]}}).raise_for_status()
    assert "status" not in api.get(f"{CERTIFICATES}/ours").json()
