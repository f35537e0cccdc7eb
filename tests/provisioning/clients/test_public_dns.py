"""The client of the public DNS, against devcloud's over real HTTP."""

import pytest

from provisioning.clients.public_dns import NOERROR, NXDOMAIN, SERVFAIL, NoAnswer, PublicDns
from tests.stack.devcloud import RunningDevcloud, running_devcloud


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_devcloud(tmp_path_factory.mktemp("dns")) as running:
        yield running


@pytest.fixture
def devcloud(server: RunningDevcloud, settings) -> RunningDevcloud:
    server.reset()
    settings.PUBLIC_DNS_URL = server.http_url
    return server


@pytest.fixture
def dns(devcloud):
    with PublicDns() as client:
        yield client


def test_an_alias_and_what_it_leads_to_are_one_answer(dns, devcloud):
    devcloud.control("PUT", "dns", {"name": "code.acme.com", "type": "CNAME", "data": ["Host.Acme.COM"]})
    devcloud.control("PUT", "dns", {"name": "host.acme.com", "type": "A", "data": ["203.0.113.7", "203.0.113.8"]})
    answer = dns.ask("code.acme.com", "A")
    assert answer.status == NOERROR
    assert (answer.of("CNAME"), answer.of("A")) == (("host.acme.com",), ("203.0.113.7", "203.0.113.8"))
    assert dns.ask("code.acme.com", "AAAA").of("AAAA") == ()


def test_what_others_may_issue_is_told_as_it_is_written(dns, devcloud):
    devcloud.control("PUT", "dns", {"name": "acme.com", "type": "CAA", "data": ['0 issue "pki.goog"']})
    assert dns.ask("acme.com", "CAA").of("CAA") == ('0 issue "pki.goog"',)


def test_statuses_are_dns_own(dns, devcloud):
    devcloud.control("PUT", "dns", {"name": "broken.com", "status": "SERVFAIL"})
    assert [dns.ask(name, "A").status for name in ("nowhere.com", "broken.com")] == [NXDOMAIN, SERVFAIL]


def test_a_resolver_that_refuses_or_breaks_off_is_no_answer(dns, devcloud):
    devcloud.add_fault("dns.resolve", "status", nth=1, status=503)
    with pytest.raises(NoAnswer, match="it answers 503"):
        dns.ask("acme.com", "A")
    devcloud.add_fault("dns.resolve", "reset", nth=1)
    with pytest.raises(NoAnswer, match="could not be asked"):
        dns.ask("acme.com", "A")


def test_one_that_takes_too_long_says_so(devcloud, monkeypatch):
    monkeypatch.setattr("provisioning.clients.public_dns.TIMEOUT_SECONDS", 0.1)
    devcloud.add_fault("dns.resolve", "timeout", seconds=1)
    with PublicDns() as dns, pytest.raises(NoAnswer, match="has not answered within"):
        dns.ask("acme.com", "A")


def test_an_answer_that_is_none_is_no_answer(devcloud, settings):
    settings.PUBLIC_DNS_URL = f"{devcloud.http_url}/mail"
    with PublicDns() as dns, pytest.raises(NoAnswer):
        dns.ask("acme.com", "A")
