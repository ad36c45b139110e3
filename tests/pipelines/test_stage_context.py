"""What a call of a stage says of itself, without Ray."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from footage.log_settings import LogSettings
from footage.structured_log import LogContext
from footage.tracing_settings import TracingSettings
from pipelines.ledger import Ledger, LostTask, task_of
from pipelines.observation import Observation
from pipelines.stage_context import StageCalls, tell_lost
from tests.collector import collector
from tests.spans import bare_row, claim_of, span_row, spans

CLAIM = claim_of("film", 2)
RUN = LogContext(run="run-1", job="job-1", workspace="films")
LOG = logging.getLogger("actors.captioner")


def _called(
    capfd: pytest.CaptureFixture[str],
    table: pa.Table,
    work: Callable[[], pa.Table],
    level: Any = "INFO",
    tracing: TracingSettings | None = None,
) -> list[dict[str, Any]]:
    """The lines of one call."""
    observation = Observation(RUN, LogSettings(format="json", level=level), tracing or TracingSettings())
    calls = StageCalls(observation)
    try:
        with calls.call(task_of(table, "Captioner"), table) as call:
            call.gave(work())
    except RuntimeError:
        pass
    calls.close()
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_what_is_logged_within_a_call_says_which_span_it_is_about(capfd: pytest.CaptureFixture[str]) -> None:
    table = spans(span_row(CLAIM, 1))

    def work() -> pa.Table:
        LOG.info("Asked twice")
        return table

    said, ended = _called(capfd, table, work)
    about = {
        "run": "run-1",
        "job": "job-1",
        "workspace": "films",
        "video": CLAIM.video_id,
        "source": CLAIM.source.uri,
        "span": 1,
        "stage": "Captioner",
    }
    assert {name: said[name] for name in about} == about
    assert {name: ended[name] for name in about} == about
    assert (said["message"], ended["message"]) == ("Asked twice", f"Captioner took {ended['seconds']:.3f} s")


def test_an_error_is_a_warning_and_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    table = spans(span_row(CLAIM, 0))

    def fail() -> pa.Table:
        raise RuntimeError("GET https://models.example.org/v1?key=topsecret: 500")

    with collector() as found:
        (line,) = _called(capfd, table, fail, tracing=TracingSettings(endpoint=found.url))
    assert (line["level"], line["error"]) == ("WARNING", "RuntimeError: GET https://models.example.org/v1?… 500")
    assert line["span"] == 0
    (span,) = found.spans
    assert (span.name, span.error) == ("Captioner", "RuntimeError: GET https://models.example.org/v1?… 500")


def test_a_row_that_is_only_handed_on_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    table = spans(bare_row(CLAIM) | {"duplicate": True})
    with collector() as found:
        tracing = TracingSettings(endpoint=found.url)
        assert _called(capfd, table, lambda: table, tracing=tracing) == []
        (line,) = _called(capfd, table, lambda: table, level="DEBUG", tracing=tracing)
    assert (line["level"], found.spans) == ("DEBUG", [])


def test_a_worker_that_was_lost_is_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    table = spans(span_row(CLAIM, 1))

    def work() -> pa.Table:
        tell_lost(None)
        tell_lost(LostTask("Captioner", attempts=1))
        return table

    lost, _ = _called(capfd, table, work)
    assert (lost["level"], lost["video"], lost["span"]) == ("WARNING", CLAIM.video_id, 1)
    assert lost["message"] == "A worker was lost in Captioner, on try 1 of this span; it is tried again"


def test_the_ledger_tells_who_takes_a_span_over_that_its_worker_was_lost() -> None:
    ledger, task = Ledger(), task_of(spans(span_row(CLAIM, 1)), "Captioner")
    assert ledger.begin(task) is None
    assert ledger.begin(task) == LostTask("Captioner", attempts=1)
    ledger.end(task, "RuntimeError: it said so", is_outage=False)
    assert ledger.begin(task) is None


def test_nothing_is_written_any_more_when_the_worker_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    StageCalls(Observation(RUN)).close()
    LOG.info("too late")
    assert capfd.readouterr().err == ""
