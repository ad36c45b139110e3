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
from actors.onnx_towers import SiglipTextTower
from actors.vision_tags import VisionTagger, features_by_model
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import TagSettings
from footage.settings import Settings

NO_TAGS = TagSettings(vocabulary=None)
COLOURS = ("red", "green", "blue", "yellow", "white", "black", "orange")


def jpeg(colour: str, width_px: int = 320, height_px: int = 180) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width_px, height_px), colour).save(file, "JPEG", quality=90)
    return file.getvalue()


@pytest.fixture(scope="module")
def embedder(offline: Settings, prepared: PreparedModels) -> FrameEmbedder:
    return FrameEmbedder(offline.frames, prepared.vision_folder, NO_TAGS, prepared.vision_tower_folder)


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> TagSettings:
    """A vocabulary of what the toy knows."""
    file = tmp_path_factory.mktemp("vocabulary") / "colours.yaml"
    file.write_text(f"prompt: a plain {{}} background\ngroups: {{background: [{', '.join(COLOURS)}]}}\n")
    return TagSettings(vocabulary=str(file), threshold=0.3, most=3)


@pytest.fixture(scope="module")
def tagging(offline: Settings, prepared: PreparedModels, tags: TagSettings) -> FrameEmbedder:
    return FrameEmbedder(offline.frames, prepared.vision_folder, tags, prepared.vision_tower_folder)


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
    assert result.column("vision_tags").to_pylist() == [[], [[], [], []], []]
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
        FrameEmbedder(offline.frames, folder, NO_TAGS, prepared.vision_tower_folder)


def test_nothing_is_printed(offline: Settings, prepared: PreparedModels, capfd: pytest.CaptureFixture[str]) -> None:
    FrameEmbedder(offline.frames, prepared.vision_folder, NO_TAGS, prepared.vision_tower_folder).embed(
        {"a": [jpeg("red")]}
    )
    assert capfd.readouterr() == ("", "")


def test_scenes_get_their_own_tags_and_those_without_frames_none(tagging: FrameEmbedder) -> None:
    failed = {"failure_code": "undecodable_video", "scene_ids": [], "key_frames": []}
    frames = {"a": [jpeg("red")], "b": [], "c": [jpeg("blue"), jpeg("green")], "d": [jpeg("yellow")]}
    seen = {"failure_code": None, "scene_ids": list(frames), "key_frames": list(frames.values())}
    found = tagging.tags(frames)
    result = tagging(table(failed, seen))
    assert result.column("vision_tags").to_pylist() == [[], [list(found[scene_id].items()) for scene_id in frames]]
    assert [next(iter(found[scene_id])) for scene_id in "ad"] == ["red", "yellow"]
    assert set(list(found["c"])[:2]) == {"blue", "green"}
    assert found["b"] == {}


def test_a_tag_has_siglips_own_probability_of_the_best_frame(
    tagging: FrameEmbedder, tags: TagSettings, prepared: PreparedModels
) -> None:
    import torch
    from transformers import AutoModel, AutoProcessor

    frames = [jpeg("blue"), jpeg("green")]
    pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
    model = AutoModel.from_pretrained(str(prepared.vision_folder)).eval()
    processor = AutoProcessor.from_pretrained(str(prepared.vision_folder), backend="pil")
    texts = [f"a plain {colour} background" for colour in COLOURS]
    inputs = processor(text=texts, images=pictures, padding="max_length", truncation=True, return_tensors="pt")
    with torch.no_grad():
        probabilities = torch.sigmoid(model(**inputs).logits_per_image).amax(dim=0).tolist()
    likely = sorted(zip(probabilities, COLOURS, strict=True), reverse=True)[: tags.most]
    expected = {colour: probability for probability, colour in likely if probability >= tags.threshold}
    found = tagging.tags({"a": frames})["a"]
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_features_of_a_vocabulary_are_remembered(
    tagging: FrameEmbedder, tags: TagSettings, prepared: PreparedModels, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = [np.eye(prepared.vision_dimensions, dtype=np.float32)[0]]
    with caplog.at_level("INFO"):
        again = VisionTagger(
            tags.model_copy(update={"threshold": 0.0}), prepared.vision_tower_folder, prepared.vision_folder
        ).tags(pictures)
        assert caplog.messages == []
    more = tags.model_copy(update={"threshold": 0.0, "most": 2})
    assert VisionTagger(more, prepared.vision_tower_folder, prepared.vision_folder).tags(pictures) == dict(
        list(again.items())[:2]
    )


def test_the_texts_of_tags_are_computed_once_and_said(
    offline: Settings, prepared: PreparedModels, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = tmp_path / "entry"
    shutil.copytree(prepared.vision_tower_folder, entry / "tower")
    file = tmp_path / "tags.yaml"
    file.write_text("groups: {colour: [red, blue]}")
    settings = TagSettings(vocabulary=str(file))
    with caplog.at_level("INFO"):
        VisionTagger(settings, entry / "tower", prepared.vision_folder)
        VisionTagger(settings, entry / "tower", prepared.vision_folder)
    assert [message.split(":")[0] for message in caplog.messages] == ["Computed the text features of 2 tags"]
    file.write_text("groups: {colour: [red, blue, green]}")
    with caplog.at_level("INFO"):
        VisionTagger(settings, entry / "tower", prepared.vision_folder)
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("kept_bytes", [0, 3, 200])
def test_remembered_features_that_are_damaged_are_computed_again(
    prepared: PreparedModels, tmp_path: Path, kept_bytes: int
) -> None:
    """As a power cut leaves a file: empty, or cut within its header or its numbers."""
    entry = tmp_path / "entry"
    shutil.copytree(prepared.vision_tower_folder, entry / "tower")
    file = tmp_path / "tags.yaml"
    file.write_text("groups: {colour: [red, blue]}")
    settings = TagSettings(vocabulary=str(file), threshold=0.0)
    pictures = [np.eye(prepared.vision_dimensions, dtype=np.float32)[0]]
    whole = VisionTagger(settings, entry / "tower", prepared.vision_folder).tags(pictures)
    (remembered,) = entry.glob("tags-*.npy")
    content = remembered.read_bytes()

    remembered.write_bytes(content[:kept_bytes])
    assert VisionTagger(settings, entry / "tower", prepared.vision_folder).tags(pictures) == whole
    assert remembered.read_bytes() == content


def test_the_model_itself_gives_the_features_that_the_tower_gives(prepared: PreparedModels) -> None:
    """Which a card takes, in half precision."""
    tower = SiglipTextTower(prepared.vision_tower_folder)
    texts = [f"a plain {colour} background {number}" for colour in COLOURS for number in range(10)]
    features = features_by_model(prepared.vision_folder, [tower.token_ids(text) for text in texts], "cpu")
    np.testing.assert_allclose(features, np.stack([tower.encode(text) for text in texts]), atol=1e-5)


def test_a_wrong_vocabulary_is_said(offline: Settings, prepared: PreparedModels, tmp_path: Path) -> None:
    nowhere = TagSettings(vocabulary=str(tmp_path / "nowhere.yaml"))
    with pytest.raises(SettingsError, match=r"nowhere.yaml is not there"):
        FrameEmbedder(offline.frames, prepared.vision_folder, nowhere, prepared.vision_tower_folder)


def test_the_fast_processor_of_a_gpu_gives_the_same_vectors(embedder: FrameEmbedder, prepared: PreparedModels) -> None:
    import torch
    from transformers import AutoImageProcessor, SiglipVisionModel

    frames = {colour: [jpeg(colour, 320, 180)] for colour in COLOURS}
    pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for (frame,) in frames.values()]
    pictures.append(Image.effect_mandelbrot((320, 180), (-2, -1, 1, 1), 40).convert("RGB"))
    file = io.BytesIO()
    pictures[-1].save(file, "JPEG", quality=90)
    frames["fine lines"] = [file.getvalue()]
    pictures[-1] = Image.open(io.BytesIO(file.getvalue())).convert("RGB")
    processor = AutoImageProcessor.from_pretrained(str(prepared.vision_folder), backend="torchvision")
    model = SiglipVisionModel.from_pretrained(str(prepared.vision_folder)).eval()
    with torch.no_grad():
        fast = model(**processor(images=pictures, return_tensors="pt")).pooler_output.numpy()
    for vector, slow in zip(fast, embedder.embed(frames).values(), strict=True):
        assert float(unit(vector) @ slow) > 0.999


def test_the_model_is_named_in_the_log_and_batches_are_counted(
    offline: Settings, prepared: PreparedModels, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="actors.model_log"):
        made = FrameEmbedder(offline.frames, prepared.vision_folder, NO_TAGS, prepared.vision_tower_folder)
    (message,) = caplog.messages
    assert message.startswith("Loaded frame model toy-siglip: cpu, float32, ")
    made.embed({"a": [jpeg("red")] * 3})
    assert (made.fill.items, made.fill.slots) == (3, offline.frames.batch_size)
    made.close()
    with pytest.raises(AttributeError):
        made.embed({"a": [jpeg("red")]})
