"""Settings of traces."""

from pydantic import Field

from footage.setting_section import Section
from footage.web_address import WebAddress


class TracingSettings(Section):
    """Where traces go: what became of each video, and of each search. Off unless there is an endpoint."""

    endpoint: WebAddress = ""
    """Address of a collector that takes OTLP over HTTP, such as http://otel-collector:4318; empty: no traces. Headers
    that it wants are read from OTEL_EXPORTER_OTLP_HEADERS, as OpenTelemetry has it."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the videos and searches that are traced. All processes of a run agree which."""
    service_name: str = Field(default="footage", min_length=1)
    """What the traces are filed under (service.name)."""
