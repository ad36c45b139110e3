"""Whole runs of the hub profiles over a clip, with toy checkpoints of the same architectures in the same file layouts.

Nothing but names, and for the gpu profile the devices, is overridden: the code that loads and runs the real models
loads and runs these. Their weights are random, so what they say is chance.
"""

import shutil
from pathlib import Path

import pytest

from cluster.one_shot import search_once
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.search import SearchRequest
from footage.settings import load_settings
from footage.sidecar import Sidecar
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.tiny_minicpm import make_minicpm
from tests.tiny_models import make_m3, make_siglip, make_siglip2
from tests.tiny_whisper import make_whisper

# A preparation and a run, for each profile.
pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.nightly, pytest.mark.timeout(600)]

CLIP = "window.mp4"  # three scenes, and somebody speaks
ON_A_CPU = {  # what only a card can do
    **{f"FOOTAGE_{section}__DEVICE": "cpu" for section in ("SPEECH", "TEXT", "FRAMES", "CAPTIONS")},
    **{f"FOOTAGE_PIPELINE__{stage}_NUM_GPUS": "0" for stage in ("SPEECH", "TEXT", "FRAMES", "CAPTIONS", "SUMMARIES")},
    "FOOTAGE_PIPELINE__FUSE": "true",  # four torch processes on two cores are no part of what is shown here
    "FOOTAGE_SPEECH__COMPUTE_TYPE": "float32",
    "FOOTAGE_SPEECH__BATCH_SIZE": "1",
}


def toys(profile: str, folder: Path) -> dict[str, str]:
    """The variables that name toy checkpoints, made in `folder`, in place of the models of a profile."""
    on_gpu = profile == "gpu"
    made = {
        "SPEECH": make_whisper(folder / "tiny-whisper", "float16" if on_gpu else "int8"),
        "TEXT": make_m3(folder / "tiny-m3", "model.safetensors" if on_gpu else "pytorch_model.bin"),
        "FRAMES": make_siglip(folder / "tiny-siglip") if on_gpu else make_siglip2(folder / "tiny-siglip2"),
        "CAPTIONS": make_minicpm(folder / "tiny-minicpm"),
    }
    # What chance says is never sure; it is to be kept all the same.
    kept = {
        "FOOTAGE_SPEECH__NO_SPEECH_THRESHOLD": "1",
        "FOOTAGE_SPEECH__MIN_LOGPROB": "-100",
        "FOOTAGE_SPEECH__MAX_COMPRESSION": "100",
        "FOOTAGE_TAGS__THRESHOLD": "0",
        "FOOTAGE_TAGS__MOST": "5",
    }
    return {f"FOOTAGE_{section}__MODEL": str(path) for section, path in made.items()} | kept


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_a_clip_is_indexed_and_found_with_checkpoints_of_the_profiles_layouts(
    profile: str, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTAGE_MODEL_CACHE", str(tmp_path / "cache"))
    variables = toys(profile, tmp_path) | (ON_A_CPU if profile == "gpu" else {})
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    source = tmp_path / "footage"
    source.mkdir()
    shutil.copy(clips / CLIP, source / CLIP)
    settings = load_settings(profile)

    report = run_index(IndexRequest(str(source), tmp_path / "store"), settings)

    assert (report.state, report.videos_done, report.quarantined) == ("finished", 1, [])
    (manifest,) = Catalog(DirectoryStore(tmp_path / "store"), "default").manifests()
    sidecars = _sidecars(tmp_path / "store")
    assert {sidecar.scene_id for sidecar in sidecars} == {scene.scene_id for scene in manifest.scenes}
    assert len(sidecars) == report.scenes_done >= 2
    for sidecar in sidecars:
        _check(sidecar, profile)
    assert any(sidecar.caption for sidecar in sidecars)
    assert any(sidecar.transcript.text for sidecar in sidecars)
    assert report.videos_described == 1, report.descriptions
    assert manifest.description is not None
    assert manifest.description.model == "tiny-minicpm"

    first = search_once(SearchRequest(query="a red circle on a blue background"), tmp_path / "store", settings).hits
    assert {hit.scene_id for hit in first} <= {sidecar.scene_id for sidecar in sidecars}
    assert first
    assert run_index(IndexRequest(str(source), tmp_path / "store"), settings).videos_skipped == 1


def _sidecars(store: Path) -> list[Sidecar]:
    kept = DirectoryStore(store)
    return [Sidecar.model_validate_json(kept.get(key)) for key in kept.list("sidecars/")]


def _check(sidecar: Sidecar, profile: str) -> None:
    embeddings = sidecar.embeddings
    vision = "tiny-siglip" if profile == "gpu" else "tiny-siglip2"
    assert (embeddings.text.model, embeddings.text.dimensions) == ("tiny-m3", 32)
    assert (embeddings.vision.model, embeddings.vision.dimensions) == (vision, 24)
    assert embeddings.vision.has_embedding
    assert embeddings.text.has_embedding is bool(sidecar.transcript.text.strip())
    assert embeddings.caption.has_embedding is (sidecar.caption is not None)
    assert sidecar.caption is None or sidecar.caption.model == "tiny-minicpm"
    assert len(sidecar.vision_tags) == 5
    assert list(sidecar.vision_tags.values()) == sorted(sidecar.vision_tags.values(), reverse=True)
