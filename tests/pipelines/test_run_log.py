"""A run's log and its traces: each call of a stage with the ids of its run, video and span."""

import json
from pathlib import Path

import pytest

from footage import identity
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.log_settings import LogSettings
from footage.settings import Settings
from footage.structured_log import is_our_line
from footage.tracing_settings import TracingSettings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests import media
from tests.collector import collector

pytestmark = pytest.mark.ray

SPANS = 24  # more lines of one worker than its log keeps of what is not ours
STAGES = ("VideoDecoder", "Transcriber", "FrameEmbedder", "TextEmbedder", "SceneWriter")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A video of many spans, and a file that is none."""
    folder = tmp_path / "videos"
    folder.mkdir()
    media.write_clip(folder / "film.mp4", scenes_s=[3] * (SPANS // 3))
    media.text(folder / "notes.mp4")
    return folder


def test_log_and_traces_name_run_video_span_and_stage(uncaptioned: Settings, videos: Path, tmp_path: Path) -> None:
    with collector() as found:
        settings = uncaptioned.model_copy(
            update={
                "decoder": uncaptioned.decoder.model_copy(update={"span_s": 1.0}),
                "logs": LogSettings(format="json"),
                "tracing": TracingSettings(endpoint=found.url),
            }
        )
        request = IndexRequest(str(videos), tmp_path / "store", workspace="films", job="job-of-a-test")
        report = run_index(request, settings)

    store = tmp_path / "store"
    log = (store / "runs" / f"{report.run_id}.log").read_text().splitlines()
    lines = [json.loads(line) for line in log if is_our_line(line)]  # Ray has lines of its own
    (manifest,) = Catalog(DirectoryStore(store), "films").manifests()
    run = {"run": report.run_id, "job": "job-of-a-test", "workspace": "films"}
    assert all({name: line[name] for name in run} == run for line in lines)
    calls = [line for line in lines if line["logger"] == "pipelines.stage_context" and line.get("span") is not None]
    assert sorted((line["stage"], line["video"], line["span"]) for line in calls) == sorted(
        (stage, manifest.video_id, span) for stage in STAGES for span in range(SPANS)
    )
    assert all(line["seconds"] > 0 and line["source"].endswith("/film.mp4") for line in calls)
    planned = [line for line in lines if line.get("stage") == "SpanPlanner" and "seconds" in line]
    assert {line.get("video") for line in planned} == {manifest.video_id, None}
    (quarantined,) = [line for line in lines if line["level"] == "WARNING"]
    assert (quarantined["code"], quarantined["source"].rpartition("/")[2]) == ("unsupported_container", "notes.mp4")

    film, notes = sorted(found.traces().values(), key=len, reverse=True)
    first = next(span for span in film if not span.parent)
    assert (first.name, first.attributes["footage.video"]) == ("video", manifest.video_id)
    assert first.attributes["footage.scenes"] == len(manifest.scenes)
    told = [(span.name, span.attributes.get("footage.span"), span.parent) for span in film if span is not first]
    spans = [(stage, span, first.span) for stage in STAGES for span in range(SPANS)]
    assert sorted(told, key=str) == sorted([("SpanPlanner", None, first.span), *spans], key=str)
    assert {span.attributes["footage.run"] for span in film} == {report.run_id}
    assert all(span.ended_ns > span.began_ns for span in film)
    assert [(span.name, span.error) for span in notes if not span.parent] == [("video", "unsupported_container")]
    assert identity.VIDEO_ID.fullmatch(manifest.video_id)
