"""OpenTelemetry traces: a span for each request and job, with one for each of its stages.

Attributes are routes, statuses, ids and names of collections; never text.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from index.errors import MissingExtra
from service import __version__
from service.observing.work import Work

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

# A client's own trace goes on in ours by these headers.
_CARRIED = ("traceparent", "tracestate")

_TRACES_PATH = "/v1/traces"


class Traces:
    """Sends what work took to an exporter, in the background."""

    def __init__(self, exporter: "SpanExporter") -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": "pincite", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("pincite", __version__)

    def record(
        self,
        work: Work,
        began: int,
        ended: int,
        attributes: Mapping[str, str | int],
        headers: Mapping[str, str],
        *,
        failed: bool,
    ) -> None:
        """Take work that has ended, as a span with its stages below it.

        Times are nanoseconds since the epoch. `headers` are the request's, which may name a trace
        that it belongs to.
        """
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carried = {name: headers[name] for name in _CARRIED if name in headers}
        parent = TraceContextTextMapPropagator().extract(carried)
        kind = trace.SpanKind.SERVER if work.name.startswith("/") else trace.SpanKind.INTERNAL
        span = self._tracer.start_span(
            work.name, parent, kind, attributes=dict(attributes), start_time=began
        )
        below = trace.set_span_in_context(span)
        for spent in work.stages:
            stage = self._tracer.start_span(spent.stage, below, start_time=max(began, spent.began))
            stage.end(spent.ended)
        if failed:
            span.set_status(trace.StatusCode.ERROR)
        span.end(ended)

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        self._provider.shutdown()


def open_traces(endpoint: str) -> Traces:
    """Traces that are sent to a collector by OTLP over HTTP; `endpoint` is its base address.

    Raises:
        MissingExtra: the packages for it are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise MissingExtra(
            "otlp_endpoint is set, and traces need more packages: pip install 'pincite[otel]'"
        ) from error
    address = endpoint.rstrip("/")
    if not address.endswith(_TRACES_PATH):
        address += _TRACES_PATH
    return Traces(OTLPSpanExporter(endpoint=address, timeout=5))
