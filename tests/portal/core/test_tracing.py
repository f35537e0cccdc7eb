"""A trace goes from the click through the database to the call outside, over HTTP as a collector takes it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from portal.core.tracing import flush, span, traceparent
from provisioning.engine.graph import OnFailure
from provisioning.services import operation_request
from tests.provisioning.driving import work_once
from tests.provisioning.engine.world import World, diamond, registered


class Collector:
    """What takes traces: `spans` is what came."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = ExportTraceServiceRequest()
                sent.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
                for resource in sent.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing of it is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def named(self, name: str):
        flush()
        return [each for each in self.spans if each.name == name]


@pytest.fixture
def collector(settings):
    collector = Collector()
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
    yield collector
    flush()
    collector.server.shutdown()
    collector.server.server_close()


@pytest.fixture
def worked(trial, by_alice):
    """An operation that was asked for within a click, and whose first steps were worked on later."""
    world = World()
    with registered(diamond(world, OnFailure.KEEP)):
        with span("click"):
            operation = operation_request(instance=trial, kind="provision", actor=by_alice)
        work_once()
    return operation


@pytest.mark.django_db
def test_steps_go_on_with_the_click_that_asked_for_them(collector, worked):
    [click] = collector.named("click")
    steps = collector.named("step ground")
    assert {step.trace_id for step in steps} == {click.trace_id}
    assert {step.parent_span_id for step in steps} == {click.span_id}
    told = {attribute.key: attribute.value.string_value for attribute in steps[0].attributes}
    assert (told["operation"], told["instance"]) == (worked.pk, worked.instance_id)


@pytest.mark.django_db
def test_without_an_endpoint_nothing_is_made(settings, worked):
    assert worked.traceparent == ""
    with span("nothing") as present:
        assert (present, traceparent()) == (None, "")


@pytest.mark.django_db
def test_a_request_is_named_by_its_route(collector, client):
    client.get("/status/")
    [request] = collector.named("GET /status/")
    assert {attribute.key for attribute in request.attributes} == {
        "http.request.method",
        "http.response.status_code",
    }


def test_of_a_failure_the_kind_is_told_and_not_the_words(collector):
    with pytest.raises(ValueError, match="secret"), span("failing"):
        raise ValueError("secret")
    [failing] = collector.named("failing")
    assert (failing.status.message, len(failing.events)) == ("ValueError", 0)
