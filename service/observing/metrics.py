"""Counters, histograms and gauges for Prometheus, in a registry of the server's own.

Labels take few values: stages, routes as they are declared, statuses, types of errors, and the
names of collections; never what a client made up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

MEDIA_TYPE = CONTENT_TYPE_LATEST

# Seconds: from a kept reply to a large upload.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Stage(StrEnum):
    """What is timed: the stages of a question and of an upload, and both as a whole."""

    EMBED = "embed"
    RETRIEVE = "retrieve"
    READ = "read"
    QUESTION = "question"
    EXTRACT = "extract"
    EMBED_PASSAGES = "embed_passages"
    STORE = "store"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value as it is now; those of one name have labels of the same names."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Metrics:
    """What is counted and measured. Safe to use from several threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pincite_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pincite_request_seconds",
            "How long requests took, to the last byte of the response.",
            ("route",),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._stages = Histogram(
            "pincite_stage_seconds",
            "How long the stages of questions and uploads took, and both as a whole.",
            ("stage",),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._errors = Counter(
            "pincite_errors",
            "Errors by type; Overloaded and TooManyRequests are what was turned away.",
            ("type",),
            registry=self._registry,
        )
        for stage in Stage:
            self._stages.labels(stage.value)
        ProcessCollector(registry=self._registry)

    def watch(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        """Have something asked for the values of the moment whenever the metrics are read."""
        self._registry.register(_Gauges(gauges))

    def observe(self, stage: str, seconds: float) -> None:
        """Take note of how long a stage took.

        Raises:
            ValueError: there is no such `Stage`.
        """
        self._stages.labels(Stage(stage).value).observe(seconds)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Take note of a request; `route` is as it was declared, with its parameters' names."""
        known = method if method in _METHODS else "other"
        self._requests.labels(route, known, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def error(self, kind: str) -> None:
        """Take note of an error, by the name of its type."""
        self._errors.labels(kind).inc()

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format, of the media type `MEDIA_TYPE`."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """Gauges in the form that the registry asks for."""

    def __init__(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        self._gauges = gauges

    def describe(self) -> Iterator[Metric]:
        """Nothing: what is there is only known when it is read."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The gauges of one name after the other."""
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self._gauges():
            if gauge.name not in families:
                families[gauge.name] = GaugeMetricFamily(
                    gauge.name, gauge.help, labels=list(gauge.labels)
                )
            families[gauge.name].add_metric(list(gauge.labels.values()), gauge.value)
        yield from families.values()
