"""One look: what counts as an answer, what as none, and what says nothing about the instance."""

import asyncio
import resource
import socket
from collections.abc import Iterator

import pytest

from devcloud.certificates import load_authority, server_context
from provisioning.health import outside as outside_module
from provisioning.health.outside import NotSent, Outside
from tests.provisioning.health.gateway import CLOSED, CLOSED_ONCE, SILENT, gateway

HOST = "acme.sourcegraph.localhost"


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def look(outside_world, runner):
    """How a host fails to answer; connections are kept from one look to the next."""
    outside = Outside()
    yield lambda domain=HOST: runner.run(outside.failure(domain))
    runner.run(outside.close())


def test_it_asks_as_people_do_and_keeps_the_connection(look, outside_world):
    assert [look(), look(), look("globex.sourcegraph.localhost")] == ["", "", ""]
    assert outside_world.asked == {f"{HOST}/healthz": 2, "globex.sourcegraph.localhost/healthz": 1}
    assert outside_world.connections == 1


@pytest.mark.parametrize(
    ("way", "failure"),
    [
        (503, "It answers 503 Service Unavailable."),
        (302, "It answers 302 Found."),
        (204, "It answers 204 No Content."),
        (CLOSED, "It closes the connection without an answer."),
        (CLOSED_ONCE, "It closes the connection without an answer."),
    ],
)
def test_anything_but_a_200_is_a_failure(way, failure, look, outside_world):
    outside_world.ways[HOST] = way
    assert look() == failure
    outside_world.ways[HOST] = 200
    assert look() == ""


def test_no_answer_in_time_is_a_failure(look, outside_world, settings):
    outside_world.ways[HOST], settings.PROBE_TIMEOUT_SECONDS = SILENT, 0.5
    assert look() == "No answer within 0.5 s."
    outside_world.ways[HOST], settings.PROBE_TIMEOUT_SECONDS = 200, 5
    assert look() == ""


def test_nobody_there_is_a_failure(look, settings):
    with gateway() as short:
        settings.INSTANCE_GATEWAY = short.url
    assert look() == "It cannot be connected to: Connection refused."


def test_a_name_that_nobody_knows_is_a_failure(look, settings, monkeypatch):
    """The network's own answer to such a name may take longer than a look, so this one is given at once."""

    def unknown(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    settings.INSTANCE_GATEWAY = "http://nobody.invalid"
    assert look() == "Its name is not known: Name or service not known."


def test_a_certificate_of_somebody_else_is_a_failure(look, settings, tmp_path):
    with gateway(server_context(load_authority(tmp_path), tmp_path, {"127.0.0.1"})) as stranger:
        settings.INSTANCE_GATEWAY = stranger.url
        assert look().startswith("Its certificate is not valid: ")


def test_a_connection_that_the_server_has_closed_meanwhile_is_none(look, outside_world):
    assert look() == ""
    outside_world.ways[HOST] = CLOSED  # the next request on the kept connection finds it closed
    outside_world.asked.clear()
    assert look() == "It closes the connection without an answer."
    assert outside_world.asked.total() == 2
    outside_world.ways[HOST] = 200
    assert look() == ""
    outside_world.close_idle_connections()
    assert look() == ""


def test_a_connection_is_renewed_now_and_then(look, outside_world, monkeypatch):
    monkeypatch.setattr(outside_module, "RENEWED_AFTER_SECONDS", 0)
    assert [look(), look(), look()] == ["", "", ""]
    assert outside_world.connections == 3


@pytest.mark.parametrize("domain", ["", "no host", "a" * 70 + ".example", "\udcff.example", "x:y"])
def test_a_broken_name_is_a_failure_of_its_own(domain, look):
    look(domain)
    assert look() == ""


def test_a_lack_on_this_side_says_nothing_about_it(look):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most[1]))  # so that no further connection can be opened
    try:
        with pytest.raises(NotSent, match="Too many open files"):
            look()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert look() == ""
