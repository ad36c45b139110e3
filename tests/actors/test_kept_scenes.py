"""What is kept of a scene is what was stored of it, and nothing that another pipeline left there."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.captioner import Captioner
from actors.frame_embedder import FrameEmbedder
from actors.kept_scenes import KeptScenes, keeper_of
from actors.scene_writer import SceneWriter
from actors.transcriber import Transcriber
from footage.catalog_records import Claim
from footage.index_records import SceneFilter
from footage.parts import Part
from footage.span_table import SPAN, table_of
from tests.bench import Bench
from tests.spans import MODELS, WRITTEN, bare_row, claim_of, span_row, spans, take

ANEW = "f" * 16  # the pipeline of the run that keeps
DECODED = pa.schema([*SPAN, *(WRITTEN.field(name) for name in ("scene_ids", "scene_start_s", "scene_end_s"))])
COLUMNS = {
    Part.SPEECH: Transcriber.ADDS.names,
    Part.FRAMES: FrameEmbedder.ADDS.names,
    Part.CAPTIONS: Captioner.ADDS.names,
}
ALL = [name for names in COLUMNS.values() for name in names]


def indexed(bench: Bench) -> Claim:
    """A video of two spans, indexed by the bench's pipeline."""
    claim = take(bench.catalog, claim_of("film", span_count=2))
    bench.write(*(span_row(claim, index) for index in (0, 1)))
    assert bench.catalog.manifest(claim.video_id) is not None
    return claim


def decoded(*rows: dict[str, Any]) -> pa.Table:
    return table_of([{name: row[name] for name in DECODED.names} for row in rows], DECODED)


def keep(bench: Bench, *rows: dict[str, Any], parts: tuple[Part, ...] = tuple(Part)) -> pa.Table:
    return keeper_of(parts)(bench.catalog, bench.index, ANEW)(decoded(*rows))


def written_by(bench: Bench, fingerprint: str, row: dict[str, Any]) -> None:
    """Another pipeline begins on the video and is broken off after a span."""
    claim = take(bench.catalog, claim_of("film", span_count=2, run_id="run-2", fingerprint=fingerprint))
    writer = SceneWriter(bench.catalog, bench.index, fingerprint, MODELS)
    outcome = writer(spans(row | {"run_id": "run-2", "claim_generation": claim.generation}))
    assert outcome["status"].to_pylist() == ["committed"]


@pytest.mark.parametrize("parts", [(part,) for part in Part] + [(Part.SPEECH, Part.FRAMES), tuple(Part)])
def test_the_columns_are_those_of_the_stages_left_out(bench: Bench, parts: tuple[Part, ...]) -> None:
    claim = indexed(bench)
    row = span_row(claim, 1)
    result = keep(bench, row, parts=parts)
    names = [name for part in parts for name in COLUMNS[part]]
    assert result.schema == pa.schema([*DECODED, *(WRITTEN.field(name) for name in names)])
    # As spans() has it: vectors in float32, and tags as a sidecar holds them: rounded, the most probable first.
    expected = spans(row | {"vision_tags": [[("outdoor", 0.812), (f"from {s:g}", 0.25)] for s in (10.0, 15.0)]})
    assert result.select(names).to_pylist() == expected.select(names).to_pylist()


def test_vectors_are_kept_to_the_bit(bench: Bench) -> None:
    claim = indexed(bench)
    visual = keep(bench, span_row(claim, 0))["visual"].to_pylist()[0]
    written = spans(span_row(claim, 0))["visual"].to_pylist()[0]
    assert np.asarray(visual, np.float32).tobytes() == np.asarray(written, np.float32).tobytes()


def test_rows_without_scenes_keep_nothing(bench: Bench) -> None:
    claim = indexed(bench)
    failed = bare_row(claim, failure_code="undecodable_video", failure="It is damaged.")
    rows = [failed, bare_row(claim, duplicate=True), bare_row(claim, video_id=None), span_row(claim, 0)]
    result = keep(bench, *rows)
    assert result["failure"].to_pylist() == ["It is damaged.", None, None, None]
    assert [[len(value) for value in result[name].to_pylist()] for name in ALL] == [[0, 0, 0, 2]] * len(ALL)
    assert keep(bench).schema == result.schema


def test_what_is_silent_and_unseen_stays_so(bench: Bench) -> None:
    claim = take(bench.catalog, claim_of("film", span_count=1))
    row = span_row(
        claim, 0, ("", ""), visual=[None] * 2, vision_tags=[[], []], captions=[None] * 2, caption_dense=[None] * 2
    )
    bench.write(row)
    result = keep(bench, row)
    assert result["failure"].to_pylist() == [None]
    assert result.select(ALL).to_pylist() == spans(row).select(ALL).to_pylist()


def test_what_an_earlier_run_of_this_pipeline_wrote_counts(bench: Bench) -> None:
    """Captions were made anew for one span; then the run broke off, and its successor does the span again."""
    claim = indexed(bench)
    row = span_row(claim, 0, captions=["Anew.", "Anew."])
    written_by(bench, ANEW, row)
    result = keep(bench, row, span_row(claim, 1))
    assert result["failure"].to_pylist() == [None, None]
    assert result["transcripts"].to_pylist()[0] == row["transcripts"]
    # After its points have become the ones that are seen, and before its manifest is there: the old ones are gone.
    bench.index.publish(bench.catalog.workspace, claim.video_id, ANEW)
    assert keep(bench, row)["visual"].to_pylist() == result["visual"].to_pylist()[:1]


def test_what_a_third_pipeline_left_does_not_count(bench: Bench) -> None:
    claim = indexed(bench)
    written_by(bench, "3" * 16, span_row(claim, 0, ("other words", "")))
    result = keep(bench, span_row(claim, 0), span_row(claim, 1))
    scene_id = span_row(claim, 0)["scene_ids"][0]
    assert result["failure_code"].to_pylist() == ["parts_differ", None]
    assert result["failure"].to_pylist() == [
        f"Scene {scene_id} of span 0 of film.mp4 cannot be kept as it is: a run with other settings that was broken off"
        " has overwritten it. Index it without --only, or run `footage retry`: both make all of it anew.",
        None,
    ]
    assert [[len(value) for value in result[name].to_pylist()] for name in ALL] == [[0, 2]] * len(ALL)


def test_a_scene_without_a_sidecar_is_refused(bench: Bench) -> None:
    claim = indexed(bench)
    row = span_row(claim, 0)
    bench.catalog.store.delete(bench.catalog.sidecar_key(claim.video_id, row["scene_ids"][1]))
    result = keep(bench, row)
    assert result["failure_code"].to_pylist() == ["parts_differ"]
    assert f"Scene {row['scene_ids'][1]} of span 0" in result["failure"].to_pylist()[0]
    assert "it has no sidecar" in result["failure"].to_pylist()[0]


def test_a_scene_without_its_vector_is_refused_where_pictures_are_kept(bench: Bench) -> None:
    claim = indexed(bench)
    bench.index.delete_video(bench.catalog.workspace, claim.video_id)
    result = keep(bench, span_row(claim, 0), parts=(Part.FRAMES,))
    assert "the vector of its pictures is not in the index" in result["failure"].to_pylist()[0]
    assert keep(bench, span_row(claim, 0), parts=(Part.SPEECH, Part.CAPTIONS))["failure"].to_pylist() == [None]


def test_sidecars_of_another_pipeline_than_the_manifest_do_not_count(bench: Bench) -> None:
    claim = indexed(bench)
    changed = bench.catalog.change_manifest(
        claim.video_id, lambda held: held.model_copy(update={"pipeline_fingerprint": ANEW})
    )
    assert changed is not None
    assert keep(bench, span_row(claim, 0))["failure_code"].to_pylist() == ["parts_differ"]


def test_vectors_of_a_third_pipeline_do_not_count(bench: Bench) -> None:
    """It was broken off between its points and its manifest; then sidecars were brought back from a copy."""
    claim = indexed(bench)
    points = bench.index.points(SceneFilter(bench.catalog.workspace, (claim.video_id,)))
    bench.index.upsert([replace(point, generation="3" * 16) for point in points])
    assert keep(bench, span_row(claim, 0))["failure"].to_pylist() == [None]
    bench.index.publish(bench.catalog.workspace, claim.video_id, "3" * 16)
    assert "the vector of its pictures" in keep(bench, span_row(claim, 0))["failure"].to_pylist()[0]


def test_a_class_for_parts_can_be_sent_to_a_worker() -> None:
    from ray import cloudpickle

    sent = pickle.loads(cloudpickle.dumps(keeper_of([Part.FRAMES])))
    assert (sent.__name__, sent.ADDS, KeptScenes.ADDS.names) == ("KeptScenes", FrameEmbedder.ADDS, [])
    assert issubclass(sent, KeptScenes)
