"""Clusters that somebody brings."""

import pytest

from portal.core.models import AuditEvent
from provisioning.models import Cluster, Instance
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db
SECRET = "do-not-show-this-token"
KUBECONFIG = f"""
apiVersion: v1
kind: Config
current-context: kind
contexts: [{{name: kind, context: {{cluster: kind, user: kind}}}}]
clusters: [{{name: kind, cluster: {{server: "https://kind.acme.example:6443"}}}}]
users: [{{name: kind, user: {{token: {SECRET}}}}}]
"""
ADD = "/admin/provisioning/cluster/add/"


@pytest.fixture
def answers(acme):
    return {"organization": acme.pk, "name": "acme-kind", "kubeconfig": KUBECONFIG, "ingress_class": "nginx"}


@pytest.fixture
def cluster(adas, answers, catalogue) -> Cluster:
    assert adas.post(ADD, answers).status_code == 302
    return Cluster.objects.get()


def test_a_cluster_is_added(cluster, acme, ada):
    assert (cluster.organization, cluster.server) == (acme, "https://kind.acme.example:6443")
    assert (cluster.has_cluster_wide_rights, cluster.storage_class) == (False, "")
    assert AuditEvent.objects.get(action="cluster.add").actor == ada


def test_its_kubeconfig_is_never_shown_again(adas, cluster):
    for address in (page(cluster), listing("provisioning_cluster"), page(cluster, "deed", "instance")):
        shown = text(adas, address)
        assert SECRET not in shown
        assert bytes(cluster.kubeconfig_encrypted).decode() not in shown


def test_a_kubeconfig_that_would_run_a_program_is_refused(adas, answers):
    answers["kubeconfig"] = KUBECONFIG.replace(f"token: {SECRET}", "exec: {command: sh}")
    response = adas.post(ADD, answers)
    assert "would run a program" in response.context["form"].errors["kubeconfig"][0]
    assert not Cluster.objects.exists()


def test_a_second_cluster_of_a_name_is_refused(adas, cluster, answers):
    assert "already" in adas.post(ADD, answers).context["form"].errors["name"][0]


def test_an_instance_is_created_on_it(adas, ada, acme, cluster, world):
    answers = {"slug": "acme-own", "kind": "internal", "size": "xs", "reason": "To try it."}
    assert do(adas, cluster, "instance", **answers).status_code == 302
    instance = Instance.objects.get()
    assert (instance.organization, instance.cluster, instance.tenancy) == (acme, cluster, "byok")
    assert (instance.admin_email, instance.created_by) == (ada.email, ada)
    assert instance.operations.get().kind == "provision"
    assert AuditEvent.objects.get(action="instance.create").reason == "To try it."


def test_a_name_that_cannot_be_had_is_told_on_the_form(adas, cluster, world):
    response = do(adas, cluster, "instance", slug="admin", kind="internal", size="xs", reason="To try it.")
    assert "reserved" in response.context["form"].errors["slug"][0]
    assert not Instance.objects.exists()


def test_customers_add_nothing(alices, answers):
    assert alices.post(ADD, answers)["Location"].startswith("/admin/login/")
    assert not Cluster.objects.exists()
