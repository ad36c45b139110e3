"""Traces: what reaches a collector, and that nothing happens where they are off."""

import subprocess
import sys

import pytest

from footage.errors import SettingsError
from footage.log_settings import LogSettings
from footage.settings import load_settings
from footage.tracing import NoTraces, TracedSpan, TraceKey, open_traces
from footage.tracing_settings import TracingSettings
from tests.collector import collector

FIRST = TracedSpan("video", 1_000, 9_000, {"footage.video": "v"}, is_first=True)


def test_spans_of_several_processes_meet_in_one_trace() -> None:
    key = TraceKey("video", "run/v")
    with collector() as found:
        settings = TracingSettings(endpoint=found.url, service_name="films")
        worker, driver = open_traces(settings, "index"), open_traces(settings, "index")
        worker.add(key, TracedSpan("VideoDecoder", 2_000, 3_000, {"footage.span": 0}))
        driver.add(key, FIRST)
        worker.close()
        driver.close()
    first, stage = sorted(found.spans, key=lambda span: span.began_ns)
    assert found.paths == {"/v1/traces"}
    assert (first.name, first.parent, first.trace) == ("video", "", f"{key.ids[0]:032x}")
    assert (stage.name, stage.parent, stage.trace) == ("VideoDecoder", first.span, first.trace)
    assert (stage.began_ns, stage.ended_ns, stage.attributes) == (2_000, 3_000, {"footage.span": 0})
    assert (stage.resource["service.name"], stage.resource["footage.part"]) == ("films", "index")


def test_an_error_is_a_status_and_secrets_are_left_out() -> None:
    with collector() as found:
        traces = open_traces(TracingSettings(endpoint=f"{found.url}/"), "index")
        signed = "https://h/a.mp4?sig=topsecret"
        traces.add(TraceKey("video", "x"), TracedSpan("read", 1, 2, {"footage.source": signed}, f"GET {signed}: 403"))
        traces.close()
    (span,) = found.spans
    assert span.attributes == {"footage.source": "https://h/a.mp4?…"}
    assert span.error == "GET https://h/a.mp4?… 403"


def test_all_processes_agree_which_videos_are_traced() -> None:
    keys = [TraceKey("video", str(number)) for number in range(200)]
    with collector() as found:
        for _ in range(2):
            traces = open_traces(TracingSettings(endpoint=found.url, sample_ratio=0.25), "index")
            for key in keys:
                traces.add(key, FIRST)
                traces.add(key, TracedSpan("stage", 2_000, 3_000))
            traces.close()
    counts = {len(spans) for spans in found.traces().values()}
    assert counts == {4}  # both spans of both processes, or none
    assert 20 < len(found.traces()) < 80


def test_a_collector_that_is_away_costs_no_work() -> None:
    with collector() as gone:
        pass
    traces = open_traces(TracingSettings(endpoint=gone.url), "index")
    traces.add(TraceKey("video", "x"), FIRST)
    traces.close()
    assert gone.spans == []


def test_without_an_endpoint_nothing_is_traced_nor_imported() -> None:
    assert isinstance(open_traces(TracingSettings(), "index"), NoTraces)
    program = (
        "import sys\n"
        "from footage.tracing import *\n"
        "from pipelines.observation import UNOBSERVED\n"
        "from pipelines.stage_context import StageCalls\n"
        "import serve_apps.search_traces\n"
        "StageCalls(UNOBSERVED).close()\n"
        "open_traces(TracingSettings(), 'x').add(TraceKey('video', 'x'), TracedSpan('a', 1, 2))\n"
        "print(any(name.startswith('opentelemetry') for name in sys.modules))\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "False\n"


def test_an_endpoint_is_an_address_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TracingSettings(endpoint="http://collector:4318/").endpoint == "http://collector:4318"
    for wrong in ("collector:4318", "http://me:word@collector:4318", "http://collector:4318/?key=1", "http://[::1"):
        monkeypatch.setenv("FOOTAGE_TRACING__ENDPOINT", wrong)
        with pytest.raises(
            SettingsError, match=r"FOOTAGE_TRACING__ENDPOINT is wrong.*https://host\.example\.org"
        ) as said:
            load_settings("offline")
        assert "word" not in str(said.value)
    monkeypatch.setenv("FOOTAGE_TRACING__ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("FOOTAGE_LOGS__FORMAT", "json")
    settings = load_settings("offline")
    assert (settings.tracing.endpoint, settings.logs.format) == ("http://127.0.0.1:4318", "json")


def test_logs_are_json_on_a_cluster_unless_something_else_is_asked_for() -> None:
    assert [LogSettings().of_cluster(is_cluster=there).format for there in (True, False)] == ["json", "text"]
    assert LogSettings(format="text").of_cluster(is_cluster=True).format == "text"
    assert LogSettings(format="json").of_cluster(is_cluster=False).format == "json"
