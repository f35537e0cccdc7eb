"""Names of customers' own: whose they are, where they lead, and who is told when they lead there no more."""

from datetime import timedelta

import pytest

from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent, Mail
from provisioning.health.measures import measured
from provisioning.models import CustomDomain, Instance
from provisioning.services.domains import domain_claim, domain_look_now, domains_go_on, domains_keep
from tests.provisioning.steps.conftest import devcloud, devcloud_server

__all__ = ["devcloud", "devcloud_server"]
pytestmark = pytest.mark.django_db
NAME, ADDRESS = "code.acme.com", "198.18.0.9"


@pytest.fixture
def acmes(trial, devcloud, settings) -> Instance:
    """An instance that runs, with its own name in the public DNS."""
    settings.PUBLIC_DNS_URL = devcloud.http_url
    devcloud.control("PUT", "dns", {"name": trial.domain, "type": "A", "data": [ADDRESS]})
    Instance.objects.update(status="running")
    return Instance.objects.get()


@pytest.fixture
def globexs(acmes, globex) -> Instance:
    fields = {field.attname: getattr(acmes, field.attname) for field in Instance._meta.fields}
    theirs = {"id": "src-2", "slug": "globex", "domain": "globex.sourcegraph.localhost", "organization_id": globex.pk}
    return Instance.objects.create(**{**fields, **theirs})


@pytest.fixture
def lead(devcloud):
    def record(kind: str, *data: str, name: str = NAME) -> None:
        devcloud.control("DELETE", "dns", {"name": name})
        devcloud.control("PUT", "dns", {"name": name, "type": kind, "data": list(data)})

    return record


def put_on(instance: Instance) -> None:
    feature = {"name": "custom-domain", "units": 1, "values": {}, "parts": ["custom-domain"], "details": {"name": NAME}}
    Instance.objects.filter(pk=instance.pk).update(features=[feature])
    instance.refresh_from_db()


def looked() -> CustomDomain:
    """The row after another look, whenever that would have been due."""
    CustomDomain.objects.update(due_at=clock.now())
    domains_go_on()
    return CustomDomain.objects.get()


class TestWhose:
    def test_a_name_is_one_instances_alone(self, acmes, globexs):
        domain_claim(instance=acmes, name=NAME)
        domain_claim(instance=acmes, name=NAME)
        with pytest.raises(Invalid, match="another instance's name") as refused:
            domain_claim(instance=globexs, name=NAME)
        assert refused.value.field == "name"

    def test_what_never_led_here_is_free_once_nobody_wants_it(self, acmes, globexs):
        domain_claim(instance=acmes, name=NAME)
        domains_keep(acmes, [NAME])
        domains_keep(acmes, [])
        domain_claim(instance=globexs, name=NAME)
        assert CustomDomain.objects.get().instance == globexs

    def test_what_led_here_once_stays_the_organizations_even_when_the_instance_is_deleted(self, acmes, globexs, lead):
        """Their record in the DNS may still be there: it must not lead to somebody else under their name."""
        lead("CNAME", acmes.domain)
        domain_claim(instance=acmes, name=NAME)
        assert looked().state == "here"
        Instance.objects.filter(pk=acmes.pk).update(status="deleted")
        acmes.refresh_from_db()
        domains_keep(acmes, [])
        assert CustomDomain.objects.get().due_at is None
        with pytest.raises(Invalid):
            domain_claim(instance=globexs, name=NAME)
        Instance.objects.filter(pk=globexs.pk).update(organization=acmes.organization)
        globexs.refresh_from_db()
        domain_claim(instance=globexs, name=NAME)
        assert CustomDomain.objects.get().instance == globexs

    def test_what_is_on_is_kept_while_another_is_told(self, acmes):
        put_on(acmes)
        for name in (NAME, "search.acme.com"):
            domain_claim(instance=acmes, name=name)
        domains_keep(acmes, ["search.acme.com"])
        assert set(CustomDomain.objects.values_list("name", flat=True)) == {NAME, "search.acme.com"}


def test_a_rehearsal_has_its_originals_features_and_not_its_name(acmes):
    put_on(acmes)
    assert acmes.address == NAME
    acmes.kind = "rehearsal"
    assert acmes.address == acmes.domain


class TestWhere:
    @pytest.mark.parametrize(
        ("kind", "data", "state", "found"),
        [
            ("CNAME", ["acme.sourcegraph.localhost"], "here", ""),
            ("A", [ADDRESS], "here", ""),
            ("A", [ADDRESS, "203.0.113.7"], "elsewhere", f"{ADDRESS}, 203.0.113.7"),
            ("CNAME", ["www.acme.com"], "elsewhere", "www.acme.com"),
            ("TXT", ["hello"], "absent", ""),
        ],
    )
    def test_it_leads_is_seen_as_everybody_sees_it(self, acmes, lead, kind, data, state, found):
        lead(kind, *data)
        domain_claim(instance=acmes, name=NAME)
        row = looked()
        assert (row.state, row.found, row.looked_at is not None) == (state, found, True)

    def test_no_such_name_and_servers_that_fail_are_two_things(self, acmes, devcloud):
        domain_claim(instance=acmes, name=NAME)
        assert looked().state == "absent"
        devcloud.control("PUT", "dns", {"name": NAME, "status": "SERVFAIL"})
        assert looked().state == "failing"

    @pytest.mark.parametrize(
        ("records", "state"),
        [
            (['0 issue "letsencrypt.org"'], "forbidden"),
            (['0 issue "letsencrypt.org"', '0 issue "pki.goog; cansignhttpexchanges=yes"'], "here"),
            (['0 issue ";"'], "forbidden"),
            (['0 iodef "mailto:security@acme.com"'], "here"),
        ],
    )
    def test_who_may_issue_certificates_counts_up_to_the_domain(self, acmes, devcloud, lead, records, state):
        lead("CNAME", acmes.domain)
        devcloud.control("PUT", "dns", {"name": "acme.com", "type": "CAA", "data": records})
        domain_claim(instance=acmes, name=NAME)
        assert looked().state == state

    def test_a_resolver_that_is_away_says_nothing_of_the_name(self, acmes, lead, devcloud):
        lead("CNAME", acmes.domain)
        domain_claim(instance=acmes, name=NAME)
        assert looked().state == "here"
        devcloud.add_fault("dns.resolve", "status", status=503)
        row = looked()
        assert (row.state, row.failures) == ("here", 1)
        assert "it answers 503" in row.error
        assert CustomDomain.objects.filter(due_at__gt=clock.now()).exists()

    def test_changes_are_audited_once(self, acmes, lead):
        domain_claim(instance=acmes, name=NAME)
        looked()
        lead("CNAME", acmes.domain)
        looked()
        looked()
        seen = AuditEvent.objects.filter(action="domain.seen").order_by("id").values_list("details", flat=True)
        assert [(each["from"], each["to"]) for each in seen] == [("unseen", "absent"), ("absent", "here")]

    def test_of_who_does_not_run_nothing_is_said(self, acmes):
        domain_claim(instance=acmes, name=NAME)
        Instance.objects.filter(pk=acmes.pk).update(
            status="suspended", suspended_at=clock.now(), suspended_because="by-us"
        )
        assert looked().state == "unseen"


class TestLost:
    @pytest.fixture
    def named(self, acmes, lead):
        lead("CNAME", acmes.domain)
        domain_claim(instance=acmes, name=NAME)
        put_on(acmes)
        assert looked().state == "here"
        return acmes

    def test_people_are_told_once_when_a_second_look_has_seen_it(self, named, lead, alice):
        lead("CNAME", "www.acme.com")
        assert looked().lost_at is None
        assert looked().lost_at is not None
        looked()
        mail = Mail.objects.get(kind="custom-domain-lost", recipient=alice.email)
        assert (mail.context["custom_domain"], mail.context["found"]) == (NAME, "www.acme.com")
        assert (
            "code.acme.com leads elsewhere: www.acme.com"
            in measured("custom-domain-lost", 0, clock.now())[NAME].sentence
        )

    def test_what_is_right_again_is_no_alert_any_more(self, named, lead):
        lead("CNAME", "www.acme.com")
        looked()
        looked()
        lead("CNAME", named.domain)
        row = looked()
        assert (row.state, row.lost_at, row.misses) == ("here", None, 0)
        assert measured("custom-domain-lost", 0, clock.now()) == {}

    def test_what_only_waits_tells_nobody(self, acmes):
        domain_claim(instance=acmes, name=NAME)
        looked()
        looked()
        assert not Mail.objects.filter(kind="custom-domain-lost").exists()


class TestLookNow:
    def test_it_is_due_at_once_and_audited(self, acmes, by_alice):
        domain_claim(instance=acmes, name=NAME)
        long_ago = clock.now() - timedelta(hours=1)
        CustomDomain.objects.update(asked_at=long_ago, due_at=clock.now() + timedelta(hours=1))
        domain_look_now(instance=acmes, name=NAME, actor=by_alice)
        assert CustomDomain.objects.filter(due_at__lte=clock.now()).exists()
        assert AuditEvent.objects.filter(action="domain.look").exists()

    def test_twice_at_once_is_refused_and_so_is_somebody_elses(self, acmes, globexs, by_alice):
        domain_claim(instance=acmes, name=NAME)
        with pytest.raises(Conflict, match="just now"):
            domain_look_now(instance=acmes, name=NAME, actor=by_alice)
        with pytest.raises(Conflict, match="not a name of this instance"):
            domain_look_now(instance=globexs, name=NAME, actor=by_alice)
