"""One part of videos is made anew, and all else of them stays as it was."""

import shutil
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import pytest

from actors.captioner import Captioner
from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from actors.span_planner import SOURCE
from actors.transcriber import Transcriber
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.index import VectorIndex
from footage.parts import Part
from footage.run_records import RunReport
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from pipelines.index_videos import index_pools
from pipelines.reconcile import Run
from tests.spans import WRITTEN
from tests.stores import snapshot

STAGES = {Part.SPEECH: Transcriber.__name__, Part.FRAMES: FrameEmbedder.__name__, Part.CAPTIONS: Captioner.__name__}
EVERY_CHOICE = [
    pytest.param(adapter, only, id=f"{adapter}-{'+'.join(only)}")
    for adapter in ("off", "native", "http")
    for size in range(4)
    for only in combinations(Part, size)
    if adapter != "off" or Part.CAPTIONS not in only
]


def changed(settings: Settings, section: str, **values: object) -> Settings:
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize(("adapter", "only"), EVERY_CHOICE)
def test_the_writer_gets_the_same_columns_whatever_is_kept(
    offline: Settings, prepared: PreparedModels, adapter: str, fuse: bool, only: tuple[Part, ...]
) -> None:
    settings = changed(changed(offline, "captions", adapter=adapter), "pipeline", fuse=fuse)
    run = Run("run-1", "default", None, "f" * 16, only=only)

    pools = index_pools(settings, prepared, cast(Catalog, None), cast(VectorIndex, None), run)

    schema = pools.plan.outgoing(SOURCE)
    for pool in pools.work[:-1]:
        schema = pool.outgoing(schema)
    expected = set(WRITTEN.names) - ({"captions"} if adapter == "off" else set())
    assert (set(schema.names), len(schema.names)) == (expected, len(expected))
    named = {part for part in only or Part if adapter != "off" or part is not Part.CAPTIONS}
    stages = {stage.name for pool in pools.work for stage in pool.stages}
    assert stages & set(STAGES.values()) == {STAGES[part] for part in named}


@pytest.fixture
def folder(clips: Path, tmp_path: Path) -> Path:
    made = tmp_path / "clips"
    made.mkdir()
    shutil.copy(clips / "coast.mp4", made)
    return made


def captions_of(objects: dict[str, Any]) -> list[str]:
    return [value["caption"]["text"] for key, value in objects.items() if key.startswith("sidecars/")]


def without(objects: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Sidecars and manifests but for these fields; other objects are left out."""
    return {
        key: {name: value for name, value in held.items() if name not in names}
        for key, held in objects.items()
        if key.startswith("sidecars/") or key.endswith("/manifest.json")
    }


def by_scene(points: dict[str, Any]) -> dict[str, Any]:
    """What of a point does not depend on captions, by its scene; each has one point, which is seen."""
    names = ("video_id", "start_s", "end_s", "language", "tags", "visual", "transcript_sparse", "live")
    found = {point["scene_id"]: {name: point[name] for name in names} for point in points.values()}
    assert len(found) == len(points)
    return found


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_captions_alone_are_made_anew(undescribed: Settings, prepared: object, folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run_index(IndexRequest(str(folder), store), undescribed)
    before = snapshot(store)
    new_file = shutil.copy(folder / "coast.mp4", folder / "new.mp4")  # under a name that no run has seen
    anew = changed(undescribed, "captions", prompt="Describe this scene, please.{said}", max_new_tokens=5)

    report = run_index(IndexRequest(str(folder), store, only=(Part.CAPTIONS,)), anew)

    assert (report.videos_found, report.videos_done, report.videos_left_out) == (2, 1, 1)
    stages = {"SpanPlanner", "VideoDecoder", "KeptScenes", "Captioner", "TextEmbedder", "SceneWriter"}
    assert report.stage_calls == dict.fromkeys(stages, 1)
    after = snapshot(store)
    assert by_scene(after["points"]) == by_scene(before["points"])
    assert {point["generation"] for point in after["points"].values()} == {report.pipeline_fingerprint}
    changing = {"caption", "metadata", "pipeline_fingerprint", "components"}
    assert without(after["objects"], changing) == without(before["objects"], changing)
    for old, new in zip(captions_of(before["objects"]), captions_of(after["objects"]), strict=True):
        assert old != new
    _check_manifest(store, report, before["objects"])

    Path(new_file).unlink()
    again = run_index(IndexRequest(str(folder), store), anew)
    assert (again.videos_skipped, again.videos_done) == (1, 0)


def _check_manifest(store: Path, report: RunReport, before: dict[str, Any]) -> None:
    """Of the pipeline's parts only that of captions is another one now."""
    (manifest,) = Catalog(DirectoryStore(store), "default").manifests()
    assert manifest.pipeline_fingerprint == report.pipeline_fingerprint
    (old,) = (held for key, held in before.items() if key.endswith("/manifest.json"))
    differing = {name for name, value in manifest.components.items() if old["components"][name] != value}
    assert differing == {"captions"}


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_video_of_which_more_has_changed_is_refused_until_all_of_it_is_made(
    uncaptioned: Settings, prepared: object, folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    run_index(IndexRequest(str(folder), store), uncaptioned)
    before = snapshot(store)
    coarse = changed(uncaptioned, "decoder", max_shot_s=20.0)

    refused = run_index(IndexRequest(str(folder), store, only=(Part.FRAMES,)), coarse)

    (record,) = refused.quarantined
    assert (refused.videos_done, record.code, record.attempts) == (0, "parts_differ", 1)
    assert record.reason.startswith("coast.mp4 was indexed with other models or settings of decoder, which --only")
    after = snapshot(store)
    assert after["points"] == before["points"]
    assert without(after["objects"], set()) == without(before["objects"], set())

    full = run_index(IndexRequest(str(folder), store), coarse)

    assert (full.videos_done, full.videos_quarantined) == (1, 0)
    (manifest,) = Catalog(DirectoryStore(store), "default").manifests()
    assert manifest.pipeline_fingerprint == refused.pipeline_fingerprint
    assert not list((store / "quarantine").rglob("*.json"))


def test_a_part_that_the_profile_does_not_make_is_refused(
    uncaptioned: Settings, prepared: object, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="makes no captions"):
        run_index(IndexRequest(str(folder), tmp_path / "store", only=(Part.CAPTIONS,)), uncaptioned)
    assert not (tmp_path / "store").exists()
