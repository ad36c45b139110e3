"""Traces, exported to a collector by OTLP over HTTP. Without an endpoint nothing of OpenTelemetry is imported.

Spans are recorded when they have ended. The ids of a trace, and of its first span, follow from what the trace is of, so
that the stages of a video, which run in many processes, meet in one trace without being told.
"""

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from footage.structured_log import without_secrets
from footage.tracing_settings import TracingSettings
from footage.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.context import Context

SEND_EVERY_S = 0.5  # a worker that is killed loses what is younger
SEND_WITHIN_S = 3  # one try; a collector that is away holds up the end of a process for no longer

Attribute = str | int | float | bool


@dataclass(frozen=True)
class TraceKey:
    """What a trace is of, such as a video in a run."""

    kind: str
    name: str

    @property
    def ids(self) -> tuple[int, int]:
        """The trace's id, 128 bits, and that of its first span, 64 bits."""
        digest = hashlib.sha256(f"{self.kind}/{self.name}".encode()).digest()
        return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])


@dataclass(frozen=True)
class TracedSpan:
    """A part of what is traced: from when to when, in nanoseconds since 1970."""

    name: str
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str = ""  # why it failed
    is_first: bool = False  # the whole, of which the others are parts


class Traces(Protocol):
    """Takes spans. Any number of threads may call it."""

    def add(self, key: TraceKey, span: TracedSpan) -> None:
        """Record a span of a trace."""
        ...

    def close(self) -> None:
        """Send what is still here; again is fine."""
        ...


class NoTraces:
    """Where traces are off."""

    def add(self, key: TraceKey, span: TracedSpan) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def open_traces(settings: TracingSettings, part: str) -> Traces:
    """Where this process sends spans to. What is left is sent when it is closed, or the process exits.

    Args:
        settings: off without an endpoint.
        part: of footage, such as "index" or "serve".
    """
    return OtlpTraces(settings, part) if settings.endpoint else NoTraces()


class OtlpTraces:
    """Sends spans in batches from a thread. A collector that is away costs traces, never work."""

    def __init__(self, settings: TracingSettings, part: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

        address = settings.endpoint.removesuffix("/v1/traces")
        exporter = OTLPSpanExporter(f"{address}/v1/traces", timeout=SEND_WITHIN_S)
        resource = {"service.name": settings.service_name, "service.version": VERSION, "footage.part": part}
        self._ids: ContextVar[tuple[int, int] | None] = ContextVar("ids", default=None)
        # By the trace's id alone, which all processes know: either all spans of a video are sent, or none.
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(settings.sample_ratio),
            resource=Resource.create(resource),
            id_generator=_given_or_random(self._ids),
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SEND_EVERY_S * 1000))
        self._tracer = self._provider.get_tracer("footage", VERSION)

    def add(self, key: TraceKey, span: TracedSpan) -> None:
        """See Traces.add."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Status, StatusCode

        token = self._ids.set(key.ids if span.is_first else None)
        try:
            recorded = self._tracer.start_span(
                span.name,
                context=Context() if span.is_first else _within(*key.ids),
                start_time=span.began_ns,
                attributes={
                    name: without_secrets(value) if isinstance(value, str) else value
                    for name, value in span.attributes.items()
                },
            )
        finally:
            self._ids.reset(token)
        if span.error:
            recorded.set_status(Status(StatusCode.ERROR, without_secrets(span.error)))
        recorded.end(span.ended_ns)

    def close(self) -> None:
        """See Traces.close."""
        self._provider.shutdown()


def _within(trace_id: int, span_id: int) -> "Context":
    """The context of a span whose parent may be in another process."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(parent))


def _given_or_random(given: ContextVar[tuple[int, int] | None]) -> Any:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class GivenIds(RandomIdGenerator):
        """The ids that are given, else random ones."""

        def generate_trace_id(self) -> int:
            ids = given.get()
            return super().generate_trace_id() if ids is None else ids[0]

        def generate_span_id(self) -> int:
            ids = given.get()
            return super().generate_span_id() if ids is None else ids[1]

    return GivenIds()
