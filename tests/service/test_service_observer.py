import asyncio
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Message

from index.timing import timed, took
from service.http.middleware import RequestIds
from service.observing.metrics import Gauge, Metrics, Stage
from service.observing.observer import Observer, open_observer
from service.observing.requests import UNMATCHED, Watched
from service.observing.traces import Traces
from service.settings import Settings

QUESTION = "how-much-is-the-soup"


class Principal:
    key_id = "k1"


def service(observer: Observer) -> FastAPI:
    """A small service whose requests are watched."""
    app, router = FastAPI(openapi_url=None), APIRouter()

    @router.get("/v1/things/{name}")
    async def thing(name: str, request: Request) -> str:
        request.state.principal, request.state.collection = Principal(), "hr"
        took("embed", 0.25)
        await run_in_threadpool(took, "read", 0.5)
        await run_in_threadpool(took, "read", 0.25)
        logging.getLogger("service.inside").info("inside")
        return name

    @router.get("/v1/refused")
    def refused(request: Request) -> PlainTextResponse:
        request.state.error = "Overloaded"
        return PlainTextResponse("no", 503)

    @router.get("/v1/broken")
    def broken() -> None:
        raise ZeroDivisionError(QUESTION)

    @router.get("/v1/stream")
    def stream() -> StreamingResponse:
        def pieces() -> Iterator[str]:
            for _ in range(3):
                took("read", 0.125)
                yield "piece"

        return StreamingResponse(pieces())

    @router.get("/healthz")
    def healthz() -> str:
        return "ok"

    app.include_router(router)
    app.mount("/static", PlainTextResponse("file"))
    app.add_middleware(Watched, observer=observer)
    app.add_middleware(RequestIds)
    return app


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def observer(exporter: InMemorySpanExporter) -> Iterator[Observer]:
    made = Observer(traces=Traces(exporter))
    yield made
    made.close()


@pytest.fixture
def client(observer: Observer) -> TestClient:
    return TestClient(service(observer), raise_server_exceptions=False)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def of(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, tuple(sorted(labels.items()))))


def told(caplog: pytest.LogCaptureFixture, message: str = "request") -> list[dict[str, Any]]:
    return [made.facts for made in caplog.records if made.message == message]  # type: ignore[attr-defined]


def spans(observer: Observer, exporter: InMemorySpanExporter) -> Sequence[ReadableSpan]:
    observer.close()
    return exporter.get_finished_spans()


def test_a_request_is_logged_with_its_route_stages_key_and_collection(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.get(f"/v1/things/{QUESTION}?q={QUESTION}", headers={"X-Request-ID": "r-1"})
    (facts,) = told(caplog)
    assert facts.pop("ms") >= 0
    assert facts == {
        "method": "GET",
        "route": "/v1/things/{name}",
        "status": 200,
        "embed_ms": 250.0,
        "read_ms": 750.0,
        "key": "k1",
        "collection": "hr",
        "request_id": "r-1",
    }
    ours = [made for made in caplog.records if made.name.startswith(("pincite", "service"))]
    assert [made.getMessage() for made in ours] == ["inside", "request"]
    assert QUESTION not in str([vars(made) for made in ours])


@pytest.mark.parametrize(
    ("path", "route", "status", "error"),
    [
        ("/v1/refused", "/v1/refused", 503, "Overloaded"),
        ("/v1/broken", "/v1/broken", 500, "ZeroDivisionError"),
        ("/nowhere/at%0aall", UNMATCHED, 404, None),
        ("/static/a/b.js", "/static", 200, None),
    ],
)
def test_requests_are_counted_by_route_and_status_and_errors_by_type(
    path: str,
    route: str,
    status: int,
    error: str | None,
    client: TestClient,
    observer: Observer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        client.get(path)
    labels = {"route": route, "method": "GET", "status": str(status)}
    assert of(observer.metrics, "pincite_requests_total", **labels) == 2
    assert of(observer.metrics, "pincite_request_seconds_count", route=route) == 2
    if error is not None:
        assert of(observer.metrics, "pincite_errors_total", type=error) == 2
    assert [(f["route"], f["status"], f.get("error")) for f in told(caplog)] == [
        (route, status, error)
    ] * 2
    assert {f["request_id"] for f in told(caplog)} != {""}


def test_labels_take_few_values_whatever_clients_send(
    client: TestClient, observer: Observer
) -> None:
    client.get("/v1/things/first")
    client.request("FIRST", "/v1/things/first")
    client.get("/first")
    client.get("/static/first")
    before = set(samples(observer.metrics))
    for number in range(20):
        client.get(f"/v1/things/{number}")
        client.request(f"M{number}", "/v1/things/first")
        client.get(f"/{number}")
        client.get(f"/static/{number}")
    assert set(samples(observer.metrics)) - before == set()


def test_a_stream_is_watched_to_its_end(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert client.get("/v1/stream").text == "piece" * 3
    assert [f["read_ms"] for f in told(caplog)] == [375.0]
    assert "unfinished" not in told(caplog)[0]


def test_a_client_that_goes_away_is_logged_as_unfinished(
    observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    async def go() -> None:
        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        async def send(_: Message) -> None:
            sent.set()

        sent = asyncio.Event()
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        task = asyncio.create_task(Watched(waits, observer)(scope, nothing, send))
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    (facts,) = told(caplog)
    assert (facts["status"], facts["unfinished"], facts["error"]) == (200, True, "CancelledError")


def test_probes_are_not_logged_by_default(
    client: TestClient, observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.get("/healthz")
    assert told(caplog) == []
    labels = {"route": "/healthz", "method": "GET", "status": "200"}
    assert of(observer.metrics, "pincite_requests_total", **labels) == 1


def test_lines_from_inside_a_handler_name_the_request(client: TestClient) -> None:
    from service.observing.logs import Json

    lines: list[dict[str, Any]] = []

    class Keeps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(Json().format(record)))

    logger, handler = logging.getLogger("service.inside"), Keeps()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        client.get("/v1/things/a", headers={"X-Request-ID": "r-9"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert [line["request_id"] for line in lines] == ["r-9"]


def test_stages_are_measured_and_those_of_other_requests_stay_apart(
    client: TestClient, observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("a", "b"):
        client.get(f"/v1/things/{name}")
    assert [f["read_ms"] for f in told(caplog)] == [750.0, 750.0]
    assert of(observer.metrics, "pincite_stage_seconds_count", stage="read") == 4
    assert of(observer.metrics, "pincite_stage_seconds_sum", stage="read") == 1.5
    assert of(observer.metrics, "pincite_stage_seconds_count", stage="store") == 0


def test_a_stage_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a valid Stage"):
        Metrics().observe("question text", 1.0)


def test_a_job_is_measured_logged_and_its_failure_told(
    observer: Observer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with observer.job("j1", "hr", "r-1"):
        took("extract", 0.5)
    with pytest.raises(ZeroDivisionError), observer.job("j2", "hr"), timed("store"):
        raise ZeroDivisionError
    took("extract", 1.0)  # nobody listens any more
    first, second = told(caplog, "job")
    assert first["ms"] >= 0
    assert {k: v for k, v in first.items() if k != "ms"} == {
        "job": "j1",
        "collection": "hr",
        "outcome": "done",
        "extract_ms": 500.0,
        "request_id": "r-1",
    }
    assert (second["job"], second["outcome"]) == ("j2", "failed")
    assert second["error"] == "ZeroDivisionError"
    assert of(observer.metrics, "pincite_errors_total", type="ZeroDivisionError") == 1
    assert of(observer.metrics, "pincite_stage_seconds_count", stage="upload") == 2
    assert of(observer.metrics, "pincite_stage_seconds_sum", stage="extract") == 0.5
    failures = {
        span.attributes["pincite.job"]: span.status.is_ok
        for span in spans(observer, exporter)
        if span.attributes and span.name == "upload"
    }
    assert failures == {"j1": True, "j2": False}


def test_gauges_are_asked_for_when_the_metrics_are_read() -> None:
    metrics, held = Metrics(), {"hr": 1.0}
    metrics.watch(
        lambda: [Gauge("pincite_documents", "Held.", n, {"c": c}) for c, n in held.items()]
    )
    assert of(metrics, "pincite_documents", c="hr") == 1
    held.update(hr=2, law=5)
    assert of(metrics, "pincite_documents", c="hr") == 2
    assert of(metrics, "pincite_documents", c="law") == 5


def test_two_servers_do_not_share_their_counts() -> None:
    first, second = Metrics(), Metrics()
    first.error("NoIndex")
    assert of(second, "pincite_errors_total", type="NoIndex") is None


def test_the_process_is_measured_where_the_system_tells() -> None:
    from pathlib import Path

    if Path("/proc/self/stat").exists():
        assert (of(Metrics(), "process_resident_memory_bytes") or 0) > 1_000_000


def test_a_request_is_a_span_with_its_stages_below_it(
    client: TestClient, observer: Observer, exporter: InMemorySpanExporter
) -> None:
    client.get(f"/v1/things/{QUESTION}?q={QUESTION}", headers={"X-Request-ID": "r-1"})
    found = spans(observer, exporter)
    (request,) = [span for span in found if span.parent is None]
    assert request.name == "/v1/things/{name}"
    assert dict(request.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/v1/things/{name}",
        "http.response.status_code": 200,
        "pincite.request_id": "r-1",
        "pincite.collection": "hr",
    }
    below = [span for span in found if span.parent is not None]
    assert sorted(span.name for span in below) == ["embed", "read", "read"]
    for span in below:
        assert span.parent is not None
        assert span.parent.span_id == request.context.span_id
        assert request.start_time <= span.start_time <= span.end_time <= request.end_time  # type: ignore[operator]
    assert all(QUESTION not in span.to_json() for span in found)


def test_a_clients_trace_goes_on_and_a_broken_header_starts_another(
    client: TestClient, observer: Observer, exporter: InMemorySpanExporter
) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    client.get("/v1/broken", headers={"traceparent": f"00-{trace}-{parent}-01"})
    client.get("/v1/refused", headers={"traceparent": "00-zz-\x7f"})
    first, second = spans(observer, exporter)
    assert f"{first.context.trace_id:032x}" == trace
    assert first.parent is not None
    assert f"{first.parent.span_id:016x}" == parent
    assert second.parent is None
    assert (first.status.is_ok, second.status.is_ok) == (False, False)


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A receiver of OTLP over HTTP on loopback: its address, and what it is sent."""
    received: list[ExportTraceServiceRequest] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


def test_traces_arrive_at_a_collector() -> None:
    with collector() as (address, received):
        observer = open_observer(Settings(otlp_endpoint=address))
        TestClient(service(observer)).get("/v1/things/a")
        observer.close()
    found = [
        span.name
        for request in received
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(found) == ["/v1/things/{name}", "embed", "read", "read"]
    (named,) = {
        attribute.value.string_value
        for request in received
        for resource in request.resource_spans
        for attribute in resource.resource.attributes
        if attribute.key == "service.name"
    }
    assert named == "pincite"


def test_without_an_endpoint_nothing_is_sent() -> None:
    observer = open_observer(Settings())
    TestClient(service(observer)).get("/v1/things/a")
    observer.close()
    assert of(observer.metrics, "pincite_stage_seconds_count", stage=Stage.EMBED) == 1
