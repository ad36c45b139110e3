from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.description_embedder import DescriptionEmbedder
from actors.description_writer import DESCRIBED, DescriptionWriter
from actors.summarizer import MODEL_UNAVAILABLE, Summarizer
from actors.video_reader import VideoReader
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.errors import StoreError
from footage.index_records import VideoHit
from footage.orphans import remove_orphans
from footage.record_json import from_json, to_json
from footage.sidecar import Manifest, StoredDescription, StoredEmbedding
from footage.span_table import table_of
from footage.video_table import VIDEO, video_row
from tests.describing import finished, vector, write_again
from tests.spans import FINGERPRINT, SPEC, WORKSPACE, claim_of, take
from tests.stores import snapshot

EMBEDDED = pa.schema([*VIDEO, *VideoReader.ADDS, *Summarizer.ADDS, *DescriptionEmbedder.ADDS])
STORED = StoredDescription(
    text="",
    model="writer",
    toy=True,
    embedding=StoredEmbedding(model="text-model", dimensions=4, has_embedding=True),
    fingerprint="d" * 16,
    described_at="",
)
NEWER = "f" * 16  # another pipeline


class FailingStore(DirectoryStore):
    """A store whose disk is full for as long as is said: nothing can be replaced."""

    full = False

    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        if self.full:
            raise StoreError(f"{key} cannot be written: no space left on device.")
        return super().swap(key, old, new)


class RacingStore(DirectoryStore):
    """A store in which another process gives a video to a newer pipeline, just before its manifest is replaced."""

    key = ""

    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        if key == self.key:
            self.key = ""
            manifest = from_json(key, old, Manifest)
            self.put(key, to_json(manifest.model_copy(update={"pipeline_fingerprint": NEWER})))
        return super().swap(key, old, new)


@dataclass
class Desk:
    root: Path
    index: EmbeddedIndex
    store: FailingStore = field(init=False)
    catalog: Catalog = field(init=False)

    def __post_init__(self) -> None:
        self.store = FailingStore(self.root)
        self.catalog = Catalog(self.store, WORKSPACE)

    def write(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        outcomes = DescriptionWriter(self.catalog, self.index, FINGERPRINT, STORED)(table_of(list(rows), EMBEDDED))
        assert outcomes.schema.equals(DESCRIBED)
        return outcomes.to_pylist()

    def statuses(self, *rows: dict[str, Any]) -> list[str]:
        return [outcome["status"] for outcome in self.write(*rows)]

    def description(self, manifest: Manifest) -> StoredDescription | None:
        held = self.catalog.manifest(manifest.video_id)
        assert held is not None
        return held.description

    def found(self) -> list[str]:
        return [point.video_id for point in self.index.descriptions(WORKSPACE)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, EmbeddedIndex(tmp_path / "index" / "scenes", SPEC, owner="a test"))
    yield desk
    desk.index.close()


def row(manifest: Manifest, description: str | None = "A film.", **changes: Any) -> dict[str, Any]:
    dense = vector(0.6, 0.8, 0, 0) if description else None
    told = {"lines": ["[0:00] said: hello"], "description": description, "description_dense": dense}
    return video_row(manifest, "run-2") | told | {"stage_seconds": [("Summarizer", 1.5)]} | changes


def test_a_description_is_stored_and_found(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["hello"], language="ko")

    assert desk.write(row(video)) == [
        {
            "run_id": "run-2",
            "source_uri": video.sources[0].uri,
            "video_id": video.video_id,
            "status": "described",
            "code": None,
            "reason": None,
            "stage_seconds": [("Summarizer", 1.5)],
        }
    ]
    held = desk.catalog.manifest(video.video_id)
    assert held is not None
    assert held.description is not None
    described_at = held.description.described_at
    assert described_at > video.committed_at
    description = STORED.model_copy(update={"text": "A film.", "described_at": described_at})
    assert held == video.model_copy(update={"description": description})
    (point,) = desk.index.descriptions(WORKSPACE)
    assert (point.video_id, point.workspace, point.language) == (video.video_id, WORKSPACE, "ko")
    hits = desk.index.search_videos(np.asarray(vector(0, 1, 0, 0), np.float32), WORKSPACE, (), 5)
    assert hits == [VideoHit(video.video_id, pytest.approx(0.8))]


def test_what_cannot_be_described_is_left_as_it_is(desk: Desk) -> None:
    failed, down = (finished(desk.catalog, desk.index, name, ["x"]) for name in ("failed", "down"))
    before = snapshot_of(desk)

    outcomes = desk.write(
        row(failed, None),
        row(down, None, failure_code=MODEL_UNAVAILABLE, failure="It is down."),
    )
    assert [(outcome["status"], outcome["code"], outcome["reason"]) for outcome in outcomes] == [
        ("failed", None, None),
        ("failed", MODEL_UNAVAILABLE, "It is down."),
    ]
    assert snapshot_of(desk) == before


def test_that_there_is_nothing_to_tell_is_stored_and_not_found(desk: Desk) -> None:
    silent = finished(desk.catalog, desk.index, "silent", [""])

    assert desk.statuses(row(silent, None, lines=[])) == ["nothing_to_tell"]
    description = desk.description(silent)
    assert description is not None
    assert description == STORED.model_copy(
        update={
            "embedding": StoredEmbedding(model="text-model", dimensions=4, has_embedding=False),
            "described_at": description.described_at,
        }
    )
    assert description.described_at > silent.committed_at
    assert desk.found() == []


def test_a_video_of_another_pipeline_or_none_is_left_alone(desk: Desk) -> None:
    newer = finished(desk.catalog, desk.index, "newer", ["x"], fingerprint=NEWER)
    gone = finished(desk.catalog, desk.index, "gone", ["x"])
    desk.catalog.delete_manifest(gone.video_id)
    before = snapshot_of(desk)

    assert desk.statuses(row(newer), row(newer, None, lines=[]), row(gone)) == ["gone"] * 3
    assert snapshot_of(desk) == before


def test_a_video_that_another_pipeline_completes_in_between_is_left_alone(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["x"])
    racing = RacingStore(desk.root)
    racing.key = f"videos/{WORKSPACE}/{video.video_id}/manifest.json"
    desk.catalog = Catalog(racing, WORKSPACE)

    assert desk.statuses(row(video)) == ["gone"]
    held = desk.catalog.manifest(video.video_id)
    assert held == video.model_copy(update={"pipeline_fingerprint": NEWER})


def test_written_again_it_is_the_same(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["x"])
    desk.write(row(video))
    once = snapshot_of(desk)
    assert desk.statuses(row(video)) == ["described"]
    assert snapshot_of(desk) == once

    other = vector(0, 0, 1, 0)
    assert desk.statuses(row(video, "A better one.", description_dense=other)) == ["described"]
    description = desk.description(video)
    assert description is not None
    assert description.text == "A better one."
    (point,) = desk.index.descriptions(WORKSPACE)
    assert point.vector.tolist() == other


def test_a_writer_that_ends_between_vector_and_manifest_is_made_up_for(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["x"])
    desk.store.full = True
    with pytest.raises(StoreError, match="no space"):
        desk.write(row(video))
    assert (desk.description(video), desk.found()) == (None, [video.video_id])  # so the next run describes it

    desk.store.full = False
    assert desk.statuses(row(video)) == ["described"]
    description = desk.description(video)
    assert description is not None
    assert (description.text, desk.found()) == ("A film.", [video.video_id])


def test_a_span_that_is_written_again_keeps_the_description(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["x"])
    desk.write(row(video))
    before = snapshot_of(desk)
    write_again(desk.catalog, desk.index, take(desk.catalog, claim_of("video", 1)), ["x"])
    assert snapshot_of(desk) == before
    assert desk.description(video) is not None


def test_a_video_that_is_indexed_anew_loses_its_description(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["x"])
    kept = finished(desk.catalog, desk.index, "kept", ["x"])
    desk.write(row(video), row(kept))

    finished(desk.catalog, desk.index, "video", ["x"], fingerprint=NEWER)
    assert desk.description(video) is None
    assert desk.description(kept) is not None
    assert desk.found() == [kept.video_id]


def test_a_video_that_no_source_holds_takes_its_description_along(desk: Desk) -> None:
    video = finished(desk.catalog, desk.index, "video", ["x"])
    desk.write(row(video))
    desk.catalog.pending.add("orphan", video.video_id)
    desk.catalog.change_manifest(video.video_id, lambda held: held.without_source(held.sources[0].uri))

    assert remove_orphans(desk.catalog, desk.index, "run-2", lease_s=60) == [video.video_id]
    assert desk.found() == []


def snapshot_of(desk: Desk) -> Any:
    """Everything stored, with the index closed meanwhile: it has one owner."""
    desk.index.close()
    try:
        return snapshot(desk.root)
    finally:
        desk.index = EmbeddedIndex(desk.root / "index" / "scenes", SPEC, owner="a test")
