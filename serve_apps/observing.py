"""What is done around every request: it gets a name, headers that belong on every answer, and is counted and logged."""

import threading
import time
import uuid
from collections.abc import MutableMapping
from typing import Any

import ray.util.metrics
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from footage.metric_list import HITS, HTTP_REQUESTS, HTTP_SECONDS, SEARCH_PARTS, UNDER_WAY, Metric
from serve_apps.service_log import log

_GAUGES_EVERY_S = 2.0  # Ray forgets a gauge that is not recorded again


class _Twin:
    """A counter or histogram in the registry of its process and, where that is a process of Ray's, in Ray."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._labels = metric.labels
        if metric.kind == "counter":
            self._own: Any = Counter(metric.name, metric.help, metric.labels, registry=registry)
        else:
            self._own = Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
        self._of_ray = _of_ray(metric)

    def observe(self, value: float, *labels: str) -> None:
        """Of a histogram."""
        self._labelled(labels).observe(value)
        if self._of_ray is not None:
            self._of_ray.observe(value, dict(zip(self._labels, labels, strict=True)))

    def count(self, *labels: str) -> None:
        """Of a counter: one more."""
        self._labelled(labels).inc()
        if self._of_ray is not None:
            self._of_ray.inc(1, dict(zip(self._labels, labels, strict=True)))

    def _labelled(self, labels: tuple[str, ...]) -> Any:
        return self._own.labels(*labels) if labels else self._own


class Metrics:
    """Figures of one process, for Prometheus: at /metrics, where they begin anew with the process, and through Ray."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = _Twin(HTTP_REQUESTS, self.registry)
        self.seconds = _Twin(HTTP_SECONDS, self.registry)
        self.under_way = Gauge(UNDER_WAY.name, UNDER_WAY.help, registry=self.registry)
        self.part_seconds = _Twin(SEARCH_PARTS, self.registry)
        self.hits = _Twin(HITS, self.registry)
        gauge = _of_ray(UNDER_WAY)
        if gauge is not None:
            threading.Thread(target=self._sample, args=(gauge,), daemon=True, name="metrics").start()

    def searched(self, took_ms: dict[str, float], hits: int) -> None:
        """Count a search."""
        for part, milliseconds in took_ms.items():
            self.part_seconds.observe(milliseconds / 1000, part)
        self.hits.observe(hits)

    def _sample(self, gauge: Any) -> None:
        while True:
            gauge.set(self.registry.get_sample_value(UNDER_WAY.name))
            time.sleep(_GAUGES_EVERY_S)


def _of_ray(metric: Metric) -> Any:
    """The metric in Ray; None if this process is none of Ray's, as where an app of the API alone is served."""
    if not ray.is_initialized():
        return None
    return getattr(ray.util.metrics, metric.kind.capitalize())(**metric.ray_arguments())


class Observed:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        instance = f"urn:uuid:{uuid.uuid4()}"
        scope.setdefault("state", {})["instance"] = instance
        status = 500  # of an answer that never began

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _complete(MutableHeaders(scope=message), scope["path"], instance)
            await send(message)

        began = time.perf_counter()
        try:
            with self._metrics.under_way.track_inprogress():
                await self._app(scope, receive, noting)
        finally:
            self._note(scope, status, time.perf_counter() - began, instance)

    def _note(self, scope: MutableMapping[str, Any], status: int, took_s: float, instance: str) -> None:
        # Not the path: it may hold anything, and each value is a series of its own.
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.count(route, scope["method"], str(status))
        self._metrics.seconds.observe(took_s, route, scope["method"])
        # Without the query: it holds signatures, and what people look for.
        about = {
            "request": instance.removeprefix("urn:uuid:"),
            "workspace": scope["state"].get("workspace", ""),
            "status": status,
            "seconds": round(took_s, 4),
        }
        log.info("%s %s %s %d %.1f ms", instance, scope["method"], scope["path"], status, took_s * 1000, extra=about)


def _complete(headers: MutableHeaders, path: str, instance: str) -> None:
    headers["X-Request-ID"] = instance.removeprefix("urn:uuid:")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")  # addresses are signed: whoever has one may open it
    if path.startswith("/v1/"):
        headers.setdefault("Cache-Control", "no-store")
