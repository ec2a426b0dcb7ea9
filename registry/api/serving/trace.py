"""One span a request for OpenTelemetry, where it is set up: the extra ``telemetry`` and OTEL_EXPORTER_OTLP_ENDPOINT.

Invariants: a span holds what the log holds: method, route, status, the request's id; no path with a digest in it, no
query, no header. The caller's trace is joined where it sends ``traceparent``. Without the setting nothing is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from registry.api.access.request_id import request_id
from registry.api.serving.seen import Seen
from registry.core.extras import need

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def configured() -> bool:
    """Whether the environment names a place for traces."""
    return any(os.environ.get(name) for name in _ENDPOINTS) and os.environ.get("OTEL_SDK_DISABLED") != "true"


@cache
def _tracer() -> Any:
    """The tracer of this process; None where nothing is set up. ``Unavailable`` without the extra."""
    if not configured():
        return None
    need("telemetry", "sending traces")
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "emotionet"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return trace.get_tracer("registry.api")


def set_up() -> None:
    """Load what is needed before the first request. ``Unavailable`` where it is set up and not installed."""
    _tracer()


@contextmanager
def traced(scope: Any, seen: Seen, status: Callable[[], int]) -> Iterator[None]:
    """The span of one request."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    caller = extract({name: carrier[name] for name in ("traceparent", "tracestate") if name in carrier})
    with tracer.start_as_current_span(str(scope["method"]), context=caller, kind=SpanKind.SERVER) as span:
        try:
            yield
        finally:
            span.update_name(f"{scope['method']} {seen.route or 'none'}")
            span.set_attribute("http.request.method", str(scope["method"]))
            span.set_attribute("http.route", seen.route or "none")
            span.set_attribute("http.response.status_code", status())
            span.set_attribute("emotionet.request_id", request_id(scope))
