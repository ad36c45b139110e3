import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from actors.summary_prompt import SceneText, scene_lines
from actors.video_reader import VideoReader
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.errors import ObjectMissing
from footage.model_settings import SummarySettings
from footage.record_json import to_json
from footage.sidecar import Manifest, Sidecar, StoredScene
from footage.span_table import table_of
from footage.video_table import VIDEO, video_row
from tests.describing import finished
from tests.spans import FINGERPRINT, SPEC, WORKSPACE

SETTINGS = SummarySettings(max_input_chars=12_000, max_scene_chars=400)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(DirectoryStore(tmp_path), WORKSPACE)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EmbeddedIndex]:
    with EmbeddedIndex(tmp_path / "index" / "scenes", SPEC, owner="a test") as index:
        yield index


def lines_of(catalog: Catalog, *rows: dict, settings: SummarySettings = SETTINGS) -> list[list[str]]:
    videos = table_of(list(rows), VIDEO)
    read = VideoReader(catalog, settings, FINGERPRINT)(videos)
    assert read.schema.equals(pa.schema([*VIDEO, *VideoReader.ADDS]))
    assert read.drop_columns(["lines"]).equals(videos)
    return read.column("lines").to_pylist()


def test_a_video_is_told_by_its_captions_and_transcripts(catalog: Catalog, index: EmbeddedIndex) -> None:
    told = finished(catalog, index, "told", ["hello there", "", "", "bye"], ["A cat.", "A dog.", None, None])
    mute = finished(catalog, index, "mute", ["", ""])

    assert lines_of(catalog, video_row(told, "run-2"), video_row(mute, "run-2")) == [
        ["[0:00] seen: A cat. | said: hello there", "[0:02] seen: A dog.", "[0:07] said: bye"],
        [],
    ]


def test_what_failed_or_is_gone_or_is_of_another_pipeline_is_not_told(catalog: Catalog, index: EmbeddedIndex) -> None:
    failed = video_row(finished(catalog, index, "failed", ["hello"]), "run-2") | {"failure_code": "x", "failure": "X."}
    other = video_row(finished(catalog, index, "other", ["hello"], fingerprint="f" * 16), "run-2")
    gone = finished(catalog, index, "gone", ["hello"])
    catalog.delete_manifest(gone.video_id)

    assert lines_of(catalog, failed, other, video_row(gone, "run-2")) == [[], [], []]


def test_sidecars_of_another_pipeline_are_not_told(catalog: Catalog, index: EmbeddedIndex) -> None:
    """While another pipeline indexes the video anew, its sidecars lie where those of the manifest did."""
    manifest = finished(catalog, index, "video", ["old", "old too"])
    sidecar = catalog.sidecar(manifest.video_id, manifest.scenes[0].scene_id)
    assert sidecar is not None
    metadata = sidecar.metadata.model_copy(update={"pipeline_fingerprint": "f" * 16})
    catalog.put_sidecar(sidecar.model_copy(update={"metadata": metadata}))

    assert lines_of(catalog, video_row(manifest, "run-2")) == [["[0:05] said: old too"]]


class LongVideo:
    """A store of one video of very many scenes, made when they are read; every `told`th has something to tell."""

    def __init__(self, manifest: Manifest, sidecar: Sidecar, scenes: int, told: int) -> None:
        listed = [StoredScene(scene_id=f"scene-{n}", start_s=2.0 * n, end_s=2.0 * n + 2) for n in range(scenes)]
        self.manifest = manifest.model_copy(update={"scenes": listed})
        self.read: list[int] = []
        self._sidecar = sidecar
        self._told = told

    def get(self, key: str) -> bytes:
        if key.endswith("manifest.json"):
            return to_json(self.manifest)
        found = re.search(r"scene-(\d+)", key)
        if found is None:
            raise ObjectMissing(key)
        number = int(found[1])
        self.read.append(number)
        text = self.said(number) if number % self._told == 0 else ""
        transcript = self._sidecar.transcript.model_copy(update={"text": text})
        return to_json(self._sidecar.model_copy(update={"transcript": transcript}))

    @staticmethod
    def said(number: int) -> str:
        return f"This is what somebody says in scene number {number} of it."


@pytest.mark.parametrize(
    ("told", "most_read"),
    [(1, 200), (7, 3000), (100_000, 3000)],
    ids=["every scene talks", "few talk", "only the first talks"],
)
def test_of_a_long_video_a_part_is_read_evenly(
    catalog: Catalog, index: EmbeddedIndex, told: int, most_read: int
) -> None:
    manifest = finished(catalog, index, "long", ["hello"])
    sidecar = catalog.sidecar(manifest.video_id, manifest.scenes[0].scene_id)
    assert sidecar is not None
    store = LongVideo(manifest, sidecar, 10_000, told)

    (lines,) = lines_of(Catalog(store, WORKSPACE), video_row(manifest, "run-2"))  # type: ignore[arg-type]

    assert len(store.read) == len(set(store.read)) <= most_read
    known = [SceneText(2.0 * number, "", LongVideo.said(number)) for number in sorted(store.read) if number % told == 0]
    assert lines == scene_lines(known, SETTINGS.max_input_chars, SETTINGS.max_scene_chars)
    tenths = [sum(1 for number in store.read if number // 1000 == tenth) for tenth in range(10)]
    assert max(tenths) - min(tenths) <= 0.1 * max(tenths) + 2
    if told < 100_000:
        assert len("\n".join(lines)) > 0.9 * SETTINGS.max_input_chars
