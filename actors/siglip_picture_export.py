"""Exports SigLIP's image tower to ONNX, with the parameters of its processor."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from actors.onnx_export import ExportDiffers, export_onnx, way_out
from actors.onnx_towers import DESCRIPTION
from actors.picture_tower import PictureTower
from actors.tower_precision import TOLERANCES
from footage.errors import SettingsError
from footage.model_settings import FrameSettings

PARAMETERS = (
    *("size", "resample", "rescale_factor", "image_mean", "image_std"),
    *("do_resize", "do_rescale", "do_normalize", "do_center_crop", "do_pad"),
)
ENLARGED_PX, SHRUNK_PX = 7, 700  # sides of pictures that the tower has to scale up, and down


def export_siglip_picture_tower(model: Any, model_folder: Path, settings: FrameSettings, folder: Path) -> None:
    """Export the image tower and compare it with the Hugging Face classes, which index.

    Args:
        model: the whole SiglipModel, in float32.
        model_folder: has the processor's settings.
        settings: precision and name.
        folder: is made, and gets the tower.

    Raises:
        SettingsError: the processor does what PictureScaling does not.
        ExportDiffers: of one of the test pictures the vectors' cosine is below the Tolerance of their precision.
    """
    import torch
    from transformers import AutoImageProcessor

    folder.mkdir(parents=True)
    processor = AutoImageProcessor.from_pretrained(str(model_folder), backend="pil", local_files_only=True)
    description = _description(processor.to_dict(), settings)
    pictures = _pictures()
    pixels = processor(images=list(pictures.values()), return_tensors="pt")["pixel_values"]
    export_onnx(
        _picture_module(model), {"pixel_values": pixels[:2]}, ["vector"], folder, settings.query_precision, ("batch",)
    )
    (folder / DESCRIPTION).write_text(json.dumps(description))
    with torch.no_grad():
        expected = model.get_image_features(pixel_values=pixels).pooler_output.numpy()
    _compare(pictures, expected, PictureTower(folder), settings)


def _description(parameters: Mapping[str, Any], settings: FrameSettings) -> dict[str, Any]:
    size = parameters["size"]
    kept = {name: parameters.get(name) for name in PARAMETERS}
    unknown = kept["do_center_crop"] or kept["do_pad"] or not kept["do_resize"]
    if unknown or not {"height", "width"} <= dict(size).keys():
        raise SettingsError(
            f"The frame model {settings.model} prepares pictures in another way than SigLIP (do_resize, "
            f"do_center_crop, do_pad or size of its processor), which searches by pictures cannot; name another in "
            f"frames.model."
        )
    sizes = {"height": int(size["height"]), "width": int(size["width"])}
    return kept | {"size": sizes, "resample": int(parameters["resample"]), "precision": settings.query_precision}


def _picture_module(model: Any) -> Any:
    import torch

    class UnitPictureFeatures(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """SigLIP's image features with unit length."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixel_values: Any) -> Any:
            features = self.model.get_image_features(pixel_values=pixel_values).pooler_output
            return torch.nn.functional.normalize(features, dim=-1)

    return UnitPictureFeatures().eval()


def _pictures() -> dict[str, Any]:
    """RGB pictures by what they show: flat, smooth and rough ones, that are to be enlarged, shrunk and distorted."""
    from PIL import Image

    chance = np.random.default_rng(0)
    noise = chance.integers(0, 256, (SHRUNK_PX // 2, SHRUNK_PX, 3), np.uint8)
    slope = np.linspace(0, 255, SHRUNK_PX).astype(np.uint8)
    ramp = np.stack([np.tile(slope, (90, 1)), np.tile(slope[::-1], (90, 1)), np.full((90, SHRUNK_PX), 60, np.uint8)])
    blocks = np.kron(chance.integers(0, 256, (3, 4, 3), np.uint8), np.ones((120, 160, 1), np.uint8))
    arrays = {
        "one colour": np.full((180, 320, 3), (200, 30, 40), np.uint8),
        "a slope of colours": np.ascontiguousarray(ramp.transpose(1, 2, 0)),
        "blocks of colour": blocks,
        "blocks of colour, upright": np.ascontiguousarray(blocks.transpose(1, 0, 2)),
        "noise": noise,
        "a few pixels": chance.integers(0, 256, (ENLARGED_PX, ENLARGED_PX + 2, 3), np.uint8),
    }
    return {name: Image.fromarray(array) for name, array in arrays.items()}


def _compare(pictures: Mapping[str, Any], expected: Any, tower: PictureTower, settings: FrameSettings) -> None:
    least_cosine = TOLERANCES[settings.query_precision].least_cosine
    for (name, picture), vector in zip(pictures.items(), expected, strict=True):
        cosine = float(np.dot(tower.encode(picture), vector) / np.linalg.norm(vector))
        if cosine < least_cosine:
            raise ExportDiffers(
                f"The {settings.query_precision} ONNX copy of {settings.model}'s image tower differs from the model on "
                f"{name} (cosine {cosine:.6f}); pictures would not find the scenes that look like them. "
                f"{way_out(settings.query_precision, 'frames')}"
            )
