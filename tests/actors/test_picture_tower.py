import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from actors.onnx_export import ExportDiffers
from actors.picture_tower import PictureScaling, PictureTower
from actors.siglip_export import export_siglip
from actors.siglip_picture_export import _compare, _pictures
from actors.tower_precision import TOLERANCES
from footage.errors import SettingsError
from footage.model_settings import TagSettings
from footage.models import resolve_model
from footage.settings import Settings
from tests.tiny_models import make_siglip, make_siglip2

NO_TAGS = TagSettings(vocabulary=None)
# A filter, a size and numbers that no checkpoint of the profiles has.
ODD = {"size": {"height": 24, "width": 32}, "resample": 1, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}


def pictures() -> list[Any]:
    """RGB pictures of several sizes."""
    chance = np.random.default_rng(3)
    sizes = [(64, 96), (200, 90), (33, 33), (480, 640)]
    return [Image.fromarray(chance.integers(0, 256, (*size, 3), np.uint8)) for size in sizes]


def jpeg(picture: Any) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=85)
    return written.getvalue()


def test_a_key_frame_gets_the_vector_that_its_scene_has(offline: Settings, prepared: PreparedModels) -> None:
    embedder = FrameEmbedder(offline.frames, prepared.vision_folder, NO_TAGS, prepared.vision_tower_folder)
    frames = {str(number): jpeg(picture) for number, picture in enumerate(pictures())}
    indexed = embedder.embed({scene_id: [frame] for scene_id, frame in frames.items()})
    tower = PictureTower(prepared.picture_tower_folder)
    for scene_id, frame in frames.items():
        vector = tower.encode(Image.open(io.BytesIO(frame)))
        np.testing.assert_allclose(vector, indexed[scene_id], atol=1e-5)
        assert (vector.shape, vector.dtype) == ((prepared.vision_dimensions,), np.float32)


def test_together_as_one_by_one(prepared: PreparedModels) -> None:
    tower = PictureTower(prepared.picture_tower_folder)
    for vector, picture in zip(tower.encode_many(pictures()), pictures(), strict=True):
        np.testing.assert_allclose(vector, tower.encode(picture), atol=1e-5)
    assert tower.encode_many([]) == []


@pytest.mark.parametrize("changed", [{}, ODD, {"do_normalize": False, "resample": 0}, {"do_rescale": False}])
def test_pictures_are_prepared_as_the_processor_does(tmp_path: Path, changed: dict[str, Any]) -> None:
    from transformers import AutoImageProcessor

    folder = make_siglip(tmp_path / "siglip")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | changed))
    processor = AutoImageProcessor.from_pretrained(str(folder), backend="pil")
    expected = processor(images=pictures(), return_tensors="np")["pixel_values"]
    scaling = PictureScaling.of(processor.to_dict())
    for picture, pixels in zip(pictures(), expected, strict=True):
        np.testing.assert_allclose(scaling.pixels(picture), pixels, atol=1e-5 * max(1.0, float(np.abs(pixels).max())))


@pytest.mark.parametrize(
    ("make", "precision"), [(make_siglip, "fp32"), (make_siglip2, "fp32"), (None, "fp16"), (None, "int8")]
)
def test_image_towers_in_each_layout_and_precision(
    offline: Settings, tmp_path: Path, make: Callable[[Path], Path] | None, precision: str
) -> None:
    """The tiny models have no weights that are large enough to be made smaller; the toy has."""
    model = make(tmp_path / "model") if make else resolve_model(offline.frames)
    frames = offline.frames.model_copy(update={"model": str(model), "query_precision": precision})
    text_tower, picture_tower = tmp_path / "tower", tmp_path / "picture-tower"
    export_siglip(model, frames, text_tower, picture_tower)
    embedder = FrameEmbedder(frames, model, NO_TAGS, text_tower)
    indexed = embedder.embed({str(number): [jpeg(picture)] for number, picture in enumerate(pictures())})
    found = PictureTower(picture_tower).encode_many([Image.open(io.BytesIO(jpeg(one))) for one in pictures()])
    for number, vector in enumerate(found):
        assert float(vector @ indexed[str(number)]) > TOLERANCES[precision].least_cosine
    sizes = {"fp32": 5.0, "fp16": 2.6, "int8": 1.6}
    if make is None:
        assert (picture_tower / "weights.bin").stat().st_size < sizes[precision] * 2**20


def test_a_processor_that_crops_is_refused(offline: Settings, tmp_path: Path) -> None:
    folder = make_siglip(tmp_path / "cropping")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    crop = {"do_center_crop": True, "crop_size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | crop))
    frames = offline.frames.model_copy(update={"model": str(folder)})
    with pytest.raises(SettingsError, match=r"cropping prepares pictures in another way than SigLIP"):
        export_siglip(folder, frames, tmp_path / "tower", tmp_path / "picture-tower")


def test_a_tower_that_prepares_pictures_otherwise_is_found_out(
    offline: Settings, prepared: PreparedModels, tmp_path: Path
) -> None:
    """The weights are right and the filter is not, which no cosine of a flat picture shows."""
    right = PictureTower(prepared.picture_tower_folder)
    expected = np.stack([right.encode(picture) for picture in _pictures().values()])
    _compare(_pictures(), expected, right, offline.frames)
    shutil.copytree(prepared.picture_tower_folder, tmp_path / "tower")
    described = tmp_path / "tower" / "tower.json"
    described.write_text(json.dumps(json.loads(described.read_text()) | {"resample": 0}))
    with pytest.raises(ExportDiffers, match=r"image tower differs from the model on (?!one colour).*constraints.txt"):
        _compare(_pictures(), expected, PictureTower(tmp_path / "tower"), offline.frames)
