import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from footage.errors import ModelMissing
from footage.settings import Settings

COLOURS = ("red", "green", "blue", "yellow", "white", "black", "orange")


def jpeg(colour: str, width_px: int = 320, height_px: int = 180) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width_px, height_px), colour).save(file, "JPEG", quality=90)
    return file.getvalue()


@pytest.fixture(scope="module")
def embedder(offline: Settings, prepared: PreparedModels) -> FrameEmbedder:
    return FrameEmbedder(offline.frames, prepared.vision_folder)


def table(*rows: dict[str, Any]) -> pa.Table:
    schema = pa.schema(
        [
            ("failure_code", pa.string()),
            ("scene_ids", pa.list_(pa.string())),
            ("key_frames", pa.list_(pa.list_(pa.binary()))),
        ]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_a_vector_is_the_unit_mean_of_siglips_unit_image_features(
    embedder: FrameEmbedder, prepared: PreparedModels
) -> None:
    import torch
    from transformers import AutoModel, AutoProcessor

    scenes = {"one": [jpeg("red")], "two": [jpeg("blue"), jpeg("green", 90, 160)], "many": [jpeg(c) for c in COLOURS]}
    model = AutoModel.from_pretrained(str(prepared.vision_folder)).eval()
    processor = AutoProcessor.from_pretrained(str(prepared.vision_folder), backend="pil")
    found = embedder.embed(scenes)
    assert embedder.dimensions == prepared.vision_dimensions == 128
    for scene_id, frames in scenes.items():
        pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
        with torch.no_grad():
            features = model.get_image_features(**processor(images=pictures, return_tensors="pt")).pooler_output.numpy()
        expected = unit(np.mean([unit(vector) for vector in features], axis=0))
        np.testing.assert_allclose(found[scene_id], expected, atol=1e-5)
        assert found[scene_id].dtype == np.float32


def test_more_frames_than_a_batch_go_to_their_own_scenes(embedder: FrameEmbedder, offline: Settings) -> None:
    scenes = {f"{colour}{index}": [jpeg(colour)] for index in range(5) for colour in COLOURS}
    assert len(scenes) > 2 * offline.frames.batch_size
    found = embedder.embed(scenes)
    for colour in COLOURS:
        alone = embedder.embed({colour: [jpeg(colour)]})[colour]
        for index in range(5):
            np.testing.assert_allclose(found[f"{colour}{index}"], alone, atol=1e-5)


def test_the_same_frames_give_the_same_bits(embedder: FrameEmbedder) -> None:
    scenes = {colour: [jpeg(colour), jpeg("gray")] for colour in COLOURS}
    once, again = embedder.embed(scenes), embedder.embed(scenes)
    assert {i: v.tobytes() for i, v in once.items()} == {i: v.tobytes() for i, v in again.items()}


def test_scenes_get_their_own_vectors_and_those_without_frames_none(embedder: FrameEmbedder) -> None:
    failed = {"failure_code": "undecodable_video", "scene_ids": [], "key_frames": []}
    empty = {"failure_code": None, "scene_ids": None, "key_frames": None}
    seen = {"failure_code": None, "scene_ids": ["a", "b", "c"], "key_frames": [[jpeg("red")], [], [jpeg("blue")]]}
    spans = table(failed, seen, empty)
    result = embedder(spans)
    vectors = embedder.embed({"a": [jpeg("red")], "c": [jpeg("blue")]})
    assert result.schema == pa.schema([*spans.schema, *FrameEmbedder.ADDS])
    assert result.column("visual").to_pylist() == [[], [vectors["a"].tolist(), None, vectors["c"].tolist()], []]
    assert embedder(table()).schema == result.schema


@pytest.mark.parametrize("frame", [b"", b"no picture", jpeg("red")[:200]])
def test_a_key_frame_that_does_not_decode_is_a_bug(embedder: FrameEmbedder, frame: bytes) -> None:
    with pytest.raises(ValueError, match=r"key frame of scene a \(\d+ bytes\) does not decode"):
        embedder.embed({"a": [frame]})


def test_a_checkpoint_that_lacks_weights_is_refused(
    offline: Settings, prepared: PreparedModels, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(prepared.vision_folder, folder)
    weights = load_file(folder / "model.safetensors")
    del weights["vision_model.post_layernorm.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        ModelMissing, match=r"lacks 1 weights of SigLIP's vision tower, such as .*post_layernorm.weight"
    ):
        FrameEmbedder(offline.frames, folder)


def test_nothing_is_printed(offline: Settings, prepared: PreparedModels, capfd: pytest.CaptureFixture[str]) -> None:
    FrameEmbedder(offline.frames, prepared.vision_folder).embed({"a": [jpeg("red")]})
    assert capfd.readouterr() == ("", "")
