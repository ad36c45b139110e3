"""SigLIP's image tower as an ONNX file, with what its processor does to a picture: what a picture that is searched by
needs, without torch.

A tower is a folder, as in onnx_towers.py; its tower.json holds the processor's parameters. siglip_picture_export.py
makes it and compares it with the original.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from actors.onnx_towers import DESCRIPTION, MODEL, open_session
from footage.records import Vector

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PictureScaling:
    """What SiglipImageProcessor does to an RGB picture, in this order; the parameters are the checkpoint's."""

    width_px: int
    height_px: int
    resample: int  # Pillow's number of the filter
    factor: float  # of a byte
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, description: dict[str, Any]) -> Self:
        """From tower.json, or the fields of a SiglipImageProcessor under the same names."""
        return cls(
            width_px=int(description["size"]["width"]),
            height_px=int(description["size"]["height"]),
            resample=int(description["resample"]),
            factor=float(description["rescale_factor"]) if description["do_rescale"] else 1.0,
            mean=_three(description["image_mean"]) if description["do_normalize"] else (0.0, 0.0, 0.0),
            std=_three(description["image_std"]) if description["do_normalize"] else (1.0, 1.0, 1.0),
        )

    def pixels(self, picture: Any) -> Pixels:
        """float32 (3, height, width) of an RGB Image of Pillow."""
        small = picture.resize((self.width_px, self.height_px), resample=self.resample)
        scaled = np.asarray(small, np.float32) * np.float32(self.factor)
        unit = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(unit.transpose(2, 0, 1))


class PictureTower:
    """SigLIP's vision model: one picture → its vector (dimensions,) of unit length, comparable with key frames.

    Unlike the text towers it runs on all cores: SigLIP of 400 million weights takes a single one seconds.
    """

    def __init__(self, folder: Path) -> None:
        description = json.loads((folder / DESCRIPTION).read_text())
        self.scaling = PictureScaling.of(description)
        self._session = open_session(folder / MODEL, description["precision"], threads=len(os.sched_getaffinity(0)))

    def encode(self, picture: Any) -> Vector:
        """The vector of one RGB Image of Pillow."""
        return self.encode_many([picture])[0]

    def encode_many(self, pictures: Sequence[Any]) -> list[Vector]:
        """The vectors of pictures, all in one batch; memory follows their number."""
        if not pictures:
            return []
        (vectors,) = self._session.run(None, {"pixel_values": np.stack([self.scaling.pixels(one) for one in pictures])})
        return list(vectors)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)
