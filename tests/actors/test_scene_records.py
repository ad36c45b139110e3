"""What the writer stores of scenes."""

import time
from typing import Any

import pytest

from footage.index_records import SceneFilter
from tests import spans as made
from tests.bench import Bench
from tests.spans import FINGERPRINT, WORKSPACE


def test_what_is_stored_of_a_scene(bench: Bench) -> None:
    claim = made.claim_of("one", 1)
    bench.catalog.claims.create(claim)
    before = time.time()
    row = made.span_row(claim, 0, texts=("red car", ""), language="ko", dataset="pilots")
    assert bench.write(row) == [("video_done", 2)]

    said, silent = row["scene_ids"]
    sidecar = bench.sidecar(claim, said)
    assert sidecar.model_dump(exclude={"metadata": {"processed_at"}}) == {
        "schema_version": 1,
        "workspace": WORKSPACE,
        "video_id": claim.video_id,
        "scene_id": said,
        "index": 0,
        "start_s": 0.0,
        "end_s": 5.0,
        "transcript": row["transcripts"][0],
        "caption": {"text": "A car at 0 s.", "model": "caption-model", "toy": True},
        "vision_tags": {"outdoor": 0.812, "from 0": 0.25},
        "embeddings": {
            "text": {"model": "text-model", "dimensions": 4, "has_embedding": True, "toy": False},
            "vision": {"model": "vision-model", "dimensions": 3, "has_embedding": True, "toy": True},
            "caption": {"model": "text-model", "dimensions": 4, "has_embedding": True, "toy": False},
        },
        "thumbnail_key": f"thumbnails/{WORKSPACE}/{claim.video_id}/{said}.jpg",
        "source_uris": [claim.source.uri],
        "metadata": {"pipeline_fingerprint": FINGERPRINT, "stage_seconds": {"VideoDecoder": 1.5}},
    }
    assert list(sidecar.vision_tags) == ["outdoor", "from 0"]  # most probable first
    assert bench.catalog.store.get(sidecar.thumbnail_key) == b"jpeg 0.0"
    assert bench.sidecar(claim, silent).embeddings.text.has_embedding is False

    first, second = bench.index.points(SceneFilter(WORKSPACE))
    assert (first.scene_id, first.language, first.generation) == (said, "ko", FINGERPRINT)
    assert first.tags == ("outdoor", "from 0")
    assert before <= first.indexed_at == second.indexed_at <= time.time()
    assert first.vectors.caption is not None
    assert first.vectors.caption.tolist() == pytest.approx(row["caption_dense"][0])
    assert first.vectors.transcript is not None
    assert first.vectors.transcript.tolist() == pytest.approx(row["transcript_dense"][0])
    assert (second.scene_id, second.vectors.transcript, second.vectors.transcript_sparse) == (silent, None, None)

    manifest = bench.catalog.manifest(claim.video_id)
    assert manifest is not None
    assert manifest.model_dump(exclude={"committed_at", "scenes", "video"}) == {
        "schema_version": 1,
        "workspace": WORKSPACE,
        "video_id": claim.video_id,
        "sha256": claim.sha256,
        "sources": [claim.source.model_dump()],
        "datasets": ["pilots"],
        "language": "ko",
        "span_count": 1,
        "description": None,
        "pipeline_fingerprint": FINGERPRINT,
        "components": {},
        "claim_generation": 1,
        "run_id": "run-1",
    }
    assert list(bench.catalog.datasets.videos("pilots")) == [claim.video_id]
    record = bench.catalog.sources.get(claim.source.uri)
    assert record is not None
    assert (record.video_id, record.pipeline_fingerprint) == (claim.video_id, FINGERPRINT)


def without(row: dict[str, Any], *columns: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in columns}


def test_a_pipeline_without_a_captioner_stores_no_captions(bench: Bench) -> None:
    claim = made.claim_of("plain", 1)
    bench.catalog.claims.create(claim)
    row = without(made.span_row(claim, 0, caption_dense=[None, None], vision_tags=[[], []]), "captions")
    schema = made.WRITTEN.remove(made.WRITTEN.get_field_index("captions"))
    bench.writer(made.spans(row, schema=schema))
    for scene_id in row["scene_ids"]:
        sidecar = bench.sidecar(claim, scene_id)
        assert (sidecar.caption, sidecar.vision_tags, sidecar.embeddings.caption.has_embedding) == (None, {}, False)
    assert [(point.tags, point.vectors.caption) for point in bench.index.points(SceneFilter(WORKSPACE))] == [
        ((), None)
    ] * 2


def test_captions_and_tags_stay_with_their_scenes(bench: Bench) -> None:
    claim = made.claim_of("mixed", 1)
    bench.catalog.claims.create(claim)
    vectors = [None, made.unit(1, 0, 0, 0).tolist(), None, made.unit(0, 0, 0, 1).tolist()]
    tags = [[("b", 0.5004), ("a", 0.4996), ("c", 0.9)], [], [("a", 0.25)], []]
    row = made.span_row(claim, 0, texts=("a", "b", "c", "d"), vision_tags=tags, caption_dense=vectors)
    row |= {"captions": [None, "A ball.", "", "A cat."]}
    bench.write(row)
    sidecars = [bench.sidecar(claim, scene_id) for scene_id in row["scene_ids"]]
    assert [sidecar.caption and sidecar.caption.text for sidecar in sidecars] == [None, "A ball.", None, "A cat."]
    assert [list(sidecar.vision_tags.items()) for sidecar in sidecars] == [
        [("c", 0.9), ("a", 0.5), ("b", 0.5)],
        [],
        [("a", 0.25)],
        [],
    ]
    assert [sidecar.embeddings.caption.has_embedding for sidecar in sidecars] == [False, True, False, True]
    points = bench.index.points(SceneFilter(WORKSPACE))
    assert [point.tags for point in points] == [("c", "a", "b"), (), ("a",), ()]
    assert [point.vectors.caption is None for point in points] == [True, False, True, False]


def test_the_language_of_a_video_is_the_one_with_most_words(bench: Bench) -> None:
    claim = made.claim_of("mixed", 3)
    bench.catalog.claims.create(claim)
    bench.write(
        made.span_row(claim, 0, texts=("eins zwei", "drei"), language="de"),
        made.span_row(claim, 1, texts=("one two",), language="en"),
        made.span_row(claim, 2, texts=("three four",), language="en"),
    )
    manifest = bench.catalog.manifest(claim.video_id)
    assert manifest is not None
    assert manifest.language == "en"
