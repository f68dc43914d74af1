"""What watches a server's work: each request and job is timed, counted, traced and logged here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns

from index.timing import listening
from service.observing.logs import facts
from service.observing.metrics import Metrics, Stage
from service.observing.traces import Traces, open_traces
from service.observing.work import Work, current
from service.settings import Settings

log = logging.getLogger("pincite.work")


class Observer:
    """The metrics of a server, and its traces; None where they are sent nowhere."""

    def __init__(self, metrics: Metrics | None = None, traces: Traces | None = None) -> None:
        self.metrics = Metrics() if metrics is None else metrics
        self.traces = traces

    @contextmanager
    def watching(self, work: Work) -> Iterator[None]:
        """Take note of the stages that end meanwhile, and let log lines name the request."""

        def took(stage: str, seconds: float) -> None:
            self.metrics.observe(stage, seconds)
            work.add(stage, seconds)

        token = current.set(work)
        try:
            with listening(took):
                yield
        finally:
            current.reset(token)

    @contextmanager
    def job(self, job_id: str, collection: str, request_id: str = "") -> Iterator[Work]:
        """Watch a job, in the thread that does it; `request_id` is that of the request it came by.

        It failed if the block raises.
        """
        work = Work("upload", request_id)
        began, error = time_ns(), None
        try:
            with self.watching(work):
                yield work
        except BaseException as raised:
            error = type(raised).__name__
            self.metrics.error(error)
            raise
        finally:
            ended = time_ns()
            seconds = (ended - began) / 1e9
            self.metrics.observe(Stage.UPLOAD, seconds)
            named = {"pincite.job": job_id, "pincite.collection": collection}
            if self.traces is not None:
                self.traces.record(work, began, ended, named, {}, failed=error is not None)
            log.log(
                logging.INFO if error is None else logging.WARNING,
                "job",
                extra=facts(
                    job=job_id,
                    collection=collection,
                    outcome="done" if error is None else "failed",
                    error=error,
                    ms=round(1000 * seconds, 1),
                    **work.milliseconds(),
                    request_id=request_id or None,
                ),
            )

    def close(self) -> None:
        """Send what is left of the traces."""
        if self.traces is not None:
            self.traces.close()


def open_observer(settings: Settings) -> Observer:
    """What watches a server with these settings.

    Raises:
        MissingExtra: traces are to be sent, and the packages for it are not installed.
    """
    endpoint = settings.otlp_endpoint
    return Observer(traces=None if endpoint is None else open_traces(endpoint))
