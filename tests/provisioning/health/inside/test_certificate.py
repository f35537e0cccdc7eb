"""For how long a certificate is good, as a browser would see it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from devcloud.certificates import load_authority, server_context
from portal.core import clock
from provisioning.clients.application import trusted
from provisioning.health.inside.certificate import look_at_certificate
from provisioning.health.inside.findings import Subject, Verdict
from provisioning.spec import FeatureSpec
from tests.provisioning.health.gateway import gateway
from tests.provisioning.steps.world import spec_for_tests

DOMAIN = "acme.sourcegraph.localhost"


@pytest.fixture
def subject():
    return Subject(spec_for_tests(domain=DOMAIN), clock.now())


@pytest.fixture
def authority(tmp_path, monkeypatch):
    """One that this machine trusts."""
    made = load_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    trusted.cache_clear()
    yield made
    trusted.cache_clear()


@pytest.fixture
def shown(authority, tmp_path, settings):
    """A gateway that shows a year's certificate for the instance's name."""
    settings.INSTANCE_URL_FORMAT = "https://{domain}"
    with gateway(server_context(authority, tmp_path, {DOMAIN})) as known:
        settings.INSTANCE_GATEWAY = known.url
        yield known


def test_a_year_is_well(shown, subject):
    found = look_at_certificate(subject)
    assert (found.state, found.figures["days_left"] in {363, 364}) == (Verdict.WELL, True)


@pytest.mark.parametrize(("days", "state"), [(350, Verdict.WELL), (352, Verdict.DEGRADED), (400, Verdict.DEGRADED)])
def test_less_than_two_weeks_are_not_enough(shown, subject, later, days, state):
    found = later(look_at_certificate, subject, days=days)
    assert (found.state, found.figures["days_left"] >= 0) == (state, True)


def test_that_of_somebody_else_is_none(authority, tmp_path, settings, subject):
    settings.INSTANCE_URL_FORMAT = "https://{domain}"
    with gateway(server_context(authority, tmp_path, {"globex.example"})) as known:
        settings.INSTANCE_GATEWAY = known.url
        found = look_at_certificate(subject)
    assert found.state == Verdict.DEGRADED
    assert found.sentence.startswith("The certificate is not valid: Hostname mismatch")


def test_where_nobody_answers_nothing_is_found(shown, subject, settings):
    settings.INSTANCE_GATEWAY = "https://127.0.0.1:1"
    with pytest.raises(OSError, match="refused"):
        look_at_certificate(subject)


def test_without_https_it_is_not_checked(subject, settings):
    settings.INSTANCE_URL_FORMAT, settings.INSTANCE_GATEWAY = "http://{domain}", ""
    assert look_at_certificate(subject).state == Verdict.SKIPPED


def test_its_end_is_told_to_the_minute(shown, subject):
    ends_at = clock.now() + timedelta(days=365)
    assert look_at_certificate(subject).sentence[:45].startswith(f"The certificate is good until {ends_at:%Y-%m-%d}")


def test_that_of_a_name_of_their_own_has_to_be_sound_as_well(authority, tmp_path, settings, subject):
    """It is asked for where the instance is, wherever their name leads."""
    settings.INSTANCE_URL_FORMAT = "https://{domain}"
    ours = FeatureSpec("custom-domain", parts=("custom-domain",), details={"name": "code.acme.com"})
    named = replace(subject, spec=replace(subject.spec, features=(ours,)))
    for shown, state in (({DOMAIN}, Verdict.DEGRADED), ({DOMAIN, "code.acme.com"}, Verdict.WELL)):
        with gateway(server_context(authority, tmp_path, shown)) as known:
            settings.INSTANCE_GATEWAY = known.url
            found = look_at_certificate(named)
        assert found.state == state
