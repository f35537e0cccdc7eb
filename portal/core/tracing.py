"""Traces from a click to the call outside, by OpenTelemetry. Nothing happens unless OTEL_EXPORTER_OTLP_ENDPOINT is set.

Work passes through the database, not through messages: an operation remembers the trace that asked for it, and each of
its steps goes on with that. Of what failed the kind of error is told and never its words, which may quote the outside.
What else OpenTelemetry's own environment says, such as OTEL_TRACES_SAMPLER, holds.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_words = TraceContextTextMapPropagator()
_HEADER = "traceparent"


@contextmanager
def span(name: str, *, parent: str = "", **attributes: str) -> Iterator[Span | None]:
    """What happens within is a span below the present one, or below `parent` (W3C traceparent). None while off."""
    endpoint: str = settings.OTEL_EXPORTER_OTLP_ENDPOINT
    if not endpoint:
        yield None
        return
    tracer = _provider(endpoint, os.getpid()).get_tracer("portal")
    within: Context | None = _words.extract({_HEADER: parent}) if parent else None
    begun = tracer.start_as_current_span(
        name, within, attributes=attributes, record_exception=False, set_status_on_exception=False
    )
    with begun as present:
        try:
            yield present
        except BaseException as error:
            present.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def traceparent() -> str:
    """The present span for whoever goes on with it elsewhere; "" outside of any."""
    if not get_current_span().get_span_context().is_valid:
        return ""
    carrier: dict[str, str] = {}
    _words.inject(carrier)
    return carrier.get(_HEADER, "")


def flush() -> None:
    """What this process has seen is sent."""
    if endpoint := settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        _provider(endpoint, os.getpid()).force_flush()


@cache
def _provider(endpoint: str, _process: int) -> TracerProvider:
    """One for each process: what sends does not outlive a fork."""
    provider = TracerProvider(resource=Resource.create({"service.name": "portal"}))
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
