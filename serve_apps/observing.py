"""What is done around every request: it gets a name, headers that belong on every answer, and is counted and logged."""

import time
import uuid
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_apps.service_log import log

_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_PARTS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)


class Metrics:
    """Figures of one process, for Prometheus. They begin anew with the process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_route = ["route", "method"]
        self.requests = Counter(
            "footage_http_requests", "Requests answered", [*by_route, "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "footage_http_request_seconds",
            "From the request to the end of its answer",
            by_route,
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.under_way = Gauge("footage_http_requests_under_way", "Requests in hand", registry=self.registry)
        self.part_seconds = Histogram(
            "footage_search_part_seconds",
            "Of searches, by part: encode, index, fuse, read",
            ["part"],
            buckets=_PARTS_S,
            registry=self.registry,
        )
        self.hits = Histogram(
            "footage_search_hits", "Hits of a page", buckets=(0, 1, 5, 10, 20, 50, 100), registry=self.registry
        )

    def searched(self, took_ms: dict[str, float], hits: int) -> None:
        """Count a search."""
        for part, milliseconds in took_ms.items():
            self.part_seconds.labels(part).observe(milliseconds / 1000)
        self.hits.observe(hits)


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
        self._metrics.requests.labels(route, scope["method"], str(status)).inc()
        self._metrics.seconds.labels(route, scope["method"]).observe(took_s)
        # Without the query: it holds signatures, and what people look for.
        log.info("%s %s %s %d %.1f ms", instance, scope["method"], scope["path"], status, took_s * 1000)


def _complete(headers: MutableHeaders, path: str, instance: str) -> None:
    headers["X-Request-ID"] = instance.removeprefix("urn:uuid:")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")  # addresses are signed: whoever has one may open it
    if path.startswith("/v1/"):
        headers.setdefault("Cache-Control", "no-store")
