"""Certificates of real teardowns: each line names what is gone, and how the cloud confirmed it."""

import pytest

from provisioning.fleet import certificates
from provisioning.models import Certificate, Instance
from provisioning.selectors import certificate_of
from provisioning.services import operation_cancel, operation_request
from tests.provisioning.workflows.harness import assert_succeeded, run, run_until_begun

pytestmark = [pytest.mark.helm]


def torn_down(instance: Instance, by) -> Certificate:
    assert_succeeded(run(operation_request(instance=instance, kind="teardown", actor=by)))
    certificate = certificate_of(instance)
    assert certificate is not None
    assert certificates.verify(certificate)
    return certificate


@pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
def test_on_a_brought_cluster_each_object_is_confirmed(standing, by_ada):
    certificate = torn_down(standing, by_ada)
    namespace = next(line for line in certificate.lines if line["resource"].endswith(f"namespaces/{standing.pk}"))
    assert namespace["deeds"]
    assert namespace["asked_at"] < namespace["confirmed_at"]
    assert all(line["confirmed"] for line in certificate.lines)


@pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
def test_in_a_project_of_its_own_google_confirms_what_was_there_and_what_never_was(instance, by_ada):
    provision = instance.operations.get()
    run_until_begun(provision, "address")
    operation_cancel(operation=provision, actor=by_ada, reason="Changed our mind.")
    run(provision)
    certificate = torn_down(instance, by_ada)
    lines = {line["resource"]: line for line in certificate.lines}
    project = lines[f"//cloudresourcemanager.googleapis.com/projects/{instance.pk}"]
    assert "DELETE_REQUESTED" in project["confirmed"]
    assert project["asked_at"] < project["confirmed_at"]
    assert project["deeds"][0] == "asked Google to delete the project"
    database = next(line for name, line in lines.items() if "sqladmin" in name)
    assert (database["asked_at"], database["deeds"]) == (None, [])
    assert "sqladmin.googleapis.com answered 404" in database["confirmed"]
