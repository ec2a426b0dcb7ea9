"""What this process's answers cost, for Prometheus.

Invariants: a series' labels come from the routes and the statuses alone, never from what a stranger wrote, so there are
few. Where several processes serve (``PROMETHEUS_MULTIPROC_DIR``), a scrape of any of them tells of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

SEVERAL = "PROMETHEUS_MULTIPROC_DIR"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
Values = dict[tuple[tuple[str, str], ...], float]  # by labels
Gauge = tuple[str, str, Values]  # name, meaning


class Answers:
    """The answers of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counter = cache(lambda method, status: self._answers.labels(method, str(status)))
        self._clock = cache(lambda method, route: self._seconds.labels(method, route))
        self._answers = Counter("emotionet_http_responses", "Answers.", ["method", "status"], registry=self.registry)
        self._seconds = Histogram(
            "emotionet_http_request_seconds",
            "From a request's head to the last byte of its answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def count(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """One answer has ended; a ``route`` of None: there was none."""
        self._counter(method if method in METHODS else "other", status).inc()
        self._clock(method if method in METHODS else "other", route or "none").observe(seconds)

    def text(self, gauges: list[Gauge]) -> bytes:
        """Everything in Prometheus' text format, with what is true just now."""
        found = CollectorRegistry()
        if os.environ.get(SEVERAL):
            MultiProcessCollector(found)  # type: ignore[no-untyped-call]
            answers = generate_latest(found)
        else:
            answers = generate_latest(self.registry)
        now = CollectorRegistry()
        now.register(_Gauges(gauges))
        return answers + generate_latest(now)


class _Gauges(Collector):
    def __init__(self, gauges: list[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' library asks for them."""
        for name, meaning, values in self._gauges:
            labels = [label for label, _ in next(iter(values), ())]
            family = GaugeMetricFamily(name, meaning, labels=labels)
            for of, value in values.items():
                family.add_metric([one for _, one in of], value)
            yield family
