"""The certificate of a custom domain, object by object: what is made, what is waited for, and what ends the waiting."""

from dataclasses import replace
from typing import Any

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.networking_v1 import IngressBackend, IngressServiceBackend, IngressSpec, ServiceBackendPort
from lightkube.resources.core_v1 import Namespace
from lightkube.resources.networking_v1 import Ingress

from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, UnderWay
from provisioning.fleet.domains import custom_name
from provisioning.models import Kind, Tenancy
from provisioning.spec import FeatureSpec
from provisioning.steps.custom_domain import Certificates, InForce, ManagedCertificate, certificate_name, is_in_force
from provisioning.steps.parts import Removes
from provisioning.steps.values import values_for
from tests.provisioning.steps.world import spec_for_tests

pytestmark = pytest.mark.django_db
NAME, NAMESPACE = "code.acme.com", "sourcegraph"
OURS = FeatureSpec("custom-domain", parts=("custom-domain",), details={"name": NAME})
SPEC = spec_for_tests(features=(OURS,))
ANOTHER = spec_for_tests(features=(replace(OURS, details={"name": "search.acme.com"}),))
BEFORE, AFTER = Certificates(removes=Removes.GOING_BACK), Certificates(removes=Removes.GOING_FORWARD)


def of(spec: Any, *, is_going_back: bool = False) -> Context:
    return Context("op-1", "custom-domain", 0, spec, {}, is_going_back=is_going_back)


@pytest.fixture
def place(cluster):
    """An empty namespace of a cluster in which nobody issues certificates."""
    cluster.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    return cluster


@pytest.fixture
def named(place):
    """The ingress names the certificate, which is there."""
    BEFORE.create_in(place, of(SPEC))
    backend = IngressBackend(service=IngressServiceBackend(name="f", port=ServiceBackendPort(number=1)))
    annotations = values_for(SPEC)["frontend"]["ingress"]["annotations"]
    kept = {name: value for name, value in annotations.items() if value is not None}
    metadata = ObjectMeta(name="sourcegraph-frontend", namespace=NAMESPACE, annotations=kept)
    place.create(Ingress(metadata=metadata, spec=IngressSpec(defaultBackend=backend)))
    return place


@pytest.fixture
def say(place):
    """What Google's controller says of the certificate."""

    def status(whole: str, word: str = "Provisioning") -> None:
        told = {"certificateStatus": whole, "domainStatus": [{"domain": NAME, "status": word}]}
        place.patch(ManagedCertificate, certificate_name(SPEC), {"status": told}, namespace=NAMESPACE)

    return status


def certificates(place) -> list[list[str]]:
    return [each["spec"]["domains"] for each in place.list(ManagedCertificate, namespace=NAMESPACE)]


class TestCertificates:
    def test_one_is_made_before_and_others_go_after(self, place):
        assert isinstance(BEFORE.see_in(place, of(SPEC)), Missing)
        BEFORE.create_in(place, of(SPEC))
        BEFORE.create_in(place, of(ANOTHER))
        assert BEFORE.see_in(place, of(ANOTHER)) == AsWanted()
        assert isinstance(AFTER.see_in(place, of(ANOTHER)), Differs)
        AFTER.create_in(place, of(ANOTHER))
        assert certificates(place) == [["search.acme.com"]]

    def test_going_back_it_is_the_other_way_round(self, place):
        for spec in (SPEC, ANOTHER):
            BEFORE.create_in(place, of(spec))
        assert AFTER.see_in(place, of(SPEC, is_going_back=True)) == AsWanted()
        assert isinstance(BEFORE.see_in(place, of(SPEC, is_going_back=True)), Differs)
        BEFORE.create_in(place, of(SPEC, is_going_back=True))
        assert certificates(place) == [[NAME]]

    def test_without_the_feature_none_is_left(self, place):
        BEFORE.create_in(place, of(SPEC))
        AFTER.create_in(place, of(spec_for_tests()))
        assert certificates(place) == []
        assert AFTER.see_in(place, of(spec_for_tests())) == AsWanted()

    def test_one_that_google_has_given_up_on_is_made_anew(self, place, say):
        BEFORE.create_in(place, of(SPEC))
        say("ProvisioningFailedPermanently")
        assert BEFORE.see_in(place, of(SPEC)) == Differs("Google has given up on it")
        BEFORE.create_in(place, of(SPEC))
        assert certificates(place) == []

    def test_one_for_another_name_is_made_anew(self, place):
        BEFORE.create_in(place, of(SPEC))
        place.patch(ManagedCertificate, certificate_name(SPEC), {"spec": {"domains": ["x.com"]}}, namespace=NAMESPACE)
        assert BEFORE.see_in(place, of(SPEC)) == Differs("it is for another name")
        for _ in range(2):
            BEFORE.create_in(place, of(SPEC))
        assert certificates(place) == [[NAME]]


class TestInForce:
    @pytest.mark.parametrize(
        ("word", "says"),
        [
            ("Provisioning", "Google to issue a certificate of code.acme.com, which takes up to an hour"),
            ("FailedNotVisible", "Google to see that code.acme.com leads to the instance alone"),
            ("FailedCaaChecking", "the name servers of code.acme.com to answer what its CAA records are"),
            ("FailedRateLimited", "too many were asked for lately"),
        ],
    )
    def test_what_google_tries_again_is_waited_for(self, named, say, word, says):
        say("Provisioning", word)
        seen = InForce().see_in(named, of(SPEC))
        assert isinstance(seen, UnderWay)
        assert says in seen.why
        assert not is_in_force(named, SPEC)

    @pytest.mark.parametrize(
        ("whole", "word", "says"),
        [
            ("Provisioning", "FailedCaaForbidden", "do not let Google issue a certificate"),
            (
                "ProvisioningFailedPermanently",
                "FailedNotVisible",
                "given up on a certificate of code.acme.com: FailedN",
            ),
        ],
    )
    def test_what_only_the_customer_can_mend_ends_it(self, named, say, whole, word, says):
        say(whole, word)
        with pytest.raises(Refused, match=says):
            InForce().see_in(named, of(SPEC))

    @pytest.mark.parametrize("whole", ["Active", "RenewalFailed"])
    def test_one_that_is_shown_is_in_force(self, named, say, whole):
        say(whole, "Active")
        assert InForce().see_in(named, of(SPEC)) == AsWanted({"name": NAME})
        assert is_in_force(named, SPEC)

    def test_one_that_no_ingress_names_is_not(self, named, say):
        say("Active", "Active")
        named.patch(
            Ingress,
            "sourcegraph-frontend",
            {"metadata": {"annotations": {"networking.gke.io/managed-certificates": "sourcegraph-frontend"}}},
            namespace=NAMESPACE,
        )
        assert isinstance(InForce().see_in(named, of(SPEC)), Differs)
        assert not is_in_force(named, SPEC)

    def test_who_has_no_such_name_waits_for_nothing(self, place):
        assert InForce().see_in(place, of(spec_for_tests())) == AsWanted()


def test_who_has_which_name():
    assert custom_name(SPEC) == NAME
    assert custom_name(replace(SPEC, kind=Kind.REHEARSAL)) == ""
    assert custom_name(replace(SPEC, tenancy=Tenancy.BYOK)) == ""


def test_the_load_balancer_takes_both_names_and_shows_both_certificates():
    ingress = values_for(SPEC)["frontend"]["ingress"]
    assert ingress["host"] == ""
    shown = ingress["annotations"]["networking.gke.io/managed-certificates"]
    assert shown == f"sourcegraph-frontend,{certificate_name(SPEC)}"
    rehearsed = values_for(replace(SPEC, kind=Kind.REHEARSAL))["frontend"]["ingress"]
    assert rehearsed["host"] == SPEC.domain
    assert rehearsed["annotations"]["networking.gke.io/managed-certificates"] == "sourcegraph-frontend"
