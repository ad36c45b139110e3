"""What the processes of a run are told, so that their log lines and traces say whose they are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from footage.log_settings import LogSettings
from footage.settings import Settings
from footage.structured_log import LogContext, logging_to
from footage.tracing import SEND_EVERY_S, TraceKey, Traces, open_traces
from footage.tracing_settings import TracingSettings
from pipelines.index_request import IndexRequest

_STDERR = 2  # wherever it leads: in a run that is not verbose, to the run's log


@dataclass(frozen=True)
class Observation:
    """Of one run; what has no run (a benchmark's pools, say) has the default."""

    about: LogContext = field(default_factory=LogContext)
    logs: LogSettings = field(default_factory=LogSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)

    @classmethod
    def of(cls, request: IndexRequest, settings: Settings, run_id: str) -> "Observation":
        """Of a run: `auto` is json where it works on a cluster."""
        about = LogContext(run=run_id, job=request.job, workspace=request.workspace)
        logs = settings.logs.of_cluster(is_cluster=request.ray_address is not None or bool(request.job))
        return cls(about, logs, settings.tracing)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Write this process's lines to stderr while the block lasts."""
        with logging_to(_STDERR, "json" if self.logs.format == "json" else "text", self.logs.level, self.about):
            yield

    def ray_environment(self) -> dict[str, str]:
        """For a driver, before it imports Ray: workers' lines reach it as they are.

        Ray would fold together what differs in numbers only, which are our ids, and put a name before each line, which
        as text says where it was written, and as JSON makes it none.
        """
        whole_lines = {"RAY_DEDUP_LOGS": "0"}
        return whole_lines | ({"RAY_DISABLE_WORKER_LOG_PREFIX": "1"} if self.logs.format == "json" else {})

    def traces(self) -> Traces:
        """Where this process sends the spans of stages and videos."""
        return open_traces(self.tracing, "index")

    @contextmanager
    def traces_sent(self) -> Iterator[None]:
        """Give the workers time at the end of the block to send their last spans: they end with Ray."""
        yield
        if self.tracing.endpoint:
            time.sleep(2 * SEND_EVERY_S)

    def video(self, video_id: str | None, source_uri: str) -> TraceKey:
        """The trace of a video in this run; of a source where it could not be read."""
        return TraceKey("video", f"{self.about.run}/{video_id or source_uri}")

    def attributes(self) -> dict[str, str]:
        """What every span of the run says."""
        told = {"run": self.about.run, "job": self.about.job, "workspace": self.about.workspace}
        return {f"footage.{name}": value for name, value in told.items() if value}


UNOBSERVED = Observation()
