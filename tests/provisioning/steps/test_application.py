"""The application as people meet it, the mail that says so, and the proof that nothing is left."""

from dataclasses import replace

import pytest
from lightkube.models.core_v1 import HostPathVolumeSource, ObjectReference, PersistentVolumeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolume

from provisioning import mail
from provisioning.clients.application import Application
from provisioning.engine.action import AsWanted, Differs, Missing, Refused, UnderWay
from provisioning.steps.application import Health, SiteAdmin
from provisioning.steps.kubernetes import Namespace
from provisioning.steps.proof import Proof
from provisioning.steps.secrets import store_of

pytestmark = [pytest.mark.helm, pytest.mark.django_db]


@pytest.fixture
def running(brought):
    brought.build("health")
    return brought


def test_what_does_not_answer_is_waited_for(brought):
    seen = Health().look(brought.context())
    assert isinstance(seen, UnderWay)
    assert "acme.sourcegraph.localhost to answer" in seen.why


def test_where_nobody_listens_it_is_waited_for(brought, settings):
    settings.INSTANCE_GATEWAY = "http://127.0.0.1:9"
    seen = Health().look(brought.context())
    assert isinstance(seen, UnderWay)
    assert "ConnectError" in seen.why


def test_another_version_is_waited_for(running):
    running.spec = replace(running.spec, app_version="5.12.0")
    seen = Health().look(running.context())
    assert isinstance(seen, UnderWay)
    assert seen.why == "version 5.12.0 to answer; it is 5.11.0"


def test_the_right_version_is_as_wanted(running):
    assert Health().look(running.context()) == AsWanted({"version": "5.11.0"})


def test_the_first_administrator_is_made_once(running):
    assert isinstance(SiteAdmin().look(running.context()), Missing)
    SiteAdmin().make(running.context())
    SiteAdmin().make(running.context())
    assert SiteAdmin().look(running.context()) == AsWanted({"username": "admin"})


def test_another_first_administrator_is_a_persons_business(running):
    with Application(running.spec.domain) as application:
        application.create_site_admin(email="eve@acme.example", username="eve", password="long enough to be one")
    with pytest.raises(Refused, match="site admin already"):
        SiteAdmin().make(running.context())


class TestTheLinkInTheMail:
    """Minted once, kept in the secret store alone."""

    def test_it_lets_the_administrator_choose_a_password(self, running, devcloud):
        running.reach(SiteAdmin())
        link = mail.admin_link(running.spec)
        assert link.startswith(f"http://{running.spec.domain}")
        assert "/password-reset?code=" in link

    def test_a_second_mail_has_the_same_link(self, running):
        running.reach(SiteAdmin())
        assert mail.admin_link(running.spec) == mail.admin_link(running.spec)
        with store_of(running.spec) as store:
            assert store.read("site-admin-link") == mail.admin_link(running.spec)

    def test_when_the_generated_password_is_gone_there_is_none(self, running):
        assert mail.admin_link(running.spec) == ""

    def test_what_cannot_be_had_now_is_tried_again(self, running, settings):
        running.reach(SiteAdmin())
        settings.INSTANCE_GATEWAY = "http://127.0.0.1:9"
        with pytest.raises(RuntimeError, match="cannot be had"):
            mail.admin_link(running.spec)


class TestProof:
    """On a brought cluster; the whole of Google's side is in the workflow's tests."""

    def test_what_is_left_is_listed_and_left_to_a_person(self, brought):
        brought.build("namespace")
        assert Proof().look(brought.context()) == Differs(f"the namespace {brought.spec.id}")
        with pytest.raises(Refused, match="Left of the instance: the namespace"):
            Proof().drop(brought.context())

    def test_a_volume_that_was_kept_is_listed(self, brought, cluster):
        claim = ObjectReference(kind="PersistentVolumeClaim", namespace=brought.spec.id, name="repos")
        spec = PersistentVolumeSpec(
            claimRef=claim,
            capacity={"storage": "1Gi"},
            accessModes=["ReadWriteOnce"],
            hostPath=HostPathVolumeSource(path="/x"),
        )
        cluster.create(PersistentVolume(metadata=ObjectMeta(name="pv-1"), spec=spec))
        assert Proof().look(brought.context()) == Differs("the volume pv-1")

    def test_nothing_is_proved_when_nothing_is_left(self, running):
        running.drop(Namespace())
        assert isinstance(Proof().look(running.context()), Missing)
