"""Around each call of a stage: what is logged in it says which span it is about, and so does a span of its trace."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa

from footage.structured_log import LogContext, log_context
from footage.tracing import TracedSpan
from pipelines.ledger import LostTask, Task
from pipelines.observation import Observation

LOG = logging.getLogger(__name__)
_NS = 1_000_000_000


class StageCalls:
    """The calls of one worker; made when it starts."""

    def __init__(self, observation: Observation) -> None:
        """Let what is said in this process reach its stderr, and so the log of the run."""
        self._observation = observation
        self._open = ExitStack()
        self._open.enter_context(observation.logging())
        self._traces = observation.traces()
        self._open.callback(self._traces.close)

    @contextmanager
    def call(self, task: Task, spans: pa.Table) -> Iterator["StageCall"]:
        """Name what is in hand, and at the end say how long it took, or why it failed."""
        call = StageCall(task, spans, self._observation.about)
        began_ns = time.time_ns()
        with log_context(call.about):
            try:
                yield call
            except Exception as error:
                call.error = f"{type(error).__name__}: {error}"
                raise
            finally:
                self._tell(call, began_ns, time.time_ns())

    def close(self) -> None:
        """Send what is still here."""
        self._open.close()

    def _tell(self, call: "StageCall", began_ns: int, ended_ns: int) -> None:
        task, about, seconds = call.task, call.about, (ended_ns - began_ns) / _NS
        more = {"seconds": round(seconds, 3), "video": about.video, "error": call.error, "code": call.code}
        if call.error:
            LOG.warning("%s failed after %.3f s: %s", task.stage, seconds, call.error, extra=more)
        else:
            level = logging.DEBUG if task.is_settled else logging.INFO
            LOG.log(level, "%s took %.3f s%s", task.stage, seconds, call.code and f": {call.code}", extra=more)
        if task.is_settled:
            return
        attributes: dict[str, str | int] = {**self._observation.attributes()}
        attributes |= {"footage.source": about.source, "footage.stage": about.stage}
        if about.video:
            attributes["footage.video"] = about.video
        if about.span is not None:
            attributes["footage.span"] = about.span
        key = self._observation.video(about.video, about.source)
        self._traces.add(key, TracedSpan(task.stage, began_ns, ended_ns, attributes, call.error or call.code))


class StageCall:
    """One call: what it is about, and what came of it."""

    def __init__(self, task: Task, spans: pa.Table, run: LogContext) -> None:
        self.task = task
        self.about = replace(
            run,
            video=_first(spans, "video_id") or "",
            source=task.source_uri,
            span=task.span_index if task.span_index >= 0 else None,
            stage=task.stage,
        )
        self.error = ""  # why the stage raised
        self.code = ""  # why this call gave the video up

    def gave(self, result: pa.Table) -> pa.Table:
        """Look at what the stage gave, and hand it on: planning finds out which video a source is."""
        if result.num_rows:
            self.about = replace(self.about, video=self.about.video or _first(result, "video_id") or "")
            self.code = "" if self.task.is_settled else _first(result, "failure_code") or ""
        return result


def tell_lost(lost: LostTask | None) -> None:
    """Log that the span in hand was in the hands of a worker that is gone."""
    if lost is not None:
        LOG.warning("A worker was lost in %s, on try %d of this span; it is tried again", lost.stage, lost.attempts)


def _first(table: pa.Table, column: str) -> Any:
    """A value of the first row; None where there is no such column."""
    return table.column(column)[0].as_py() if column in table.column_names and table.num_rows else None
