"""Key frames that the toy MiniCPM-V learns from, in the size and the packing of its processor."""

import dataclasses
import io
import math
import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from samples.drawing import Scene, draw_scene, random_variation
from samples.toy_minicpm_parts import PATCH_PX, SCALE_PX
from samples.training_scenes import FRAME_SIZES_PX, training_group

FRAMES = {1: 0.7, 2: 0.1, 3: 0.2}  # key frames of a scene, and how often

Picture = npt.NDArray[np.uint8]
"""(height, width, 3), at the model's size."""


@dataclass(frozen=True)
class Drawn:
    """A scene with its key frames."""

    scene: Scene
    frames: list[Picture]


def frames_of(scene: Scene, count: int, rng: random.Random) -> list[Image.Image]:
    """`count` key frames of one scene: the shape moves a little, one of several may lie in a fade."""
    width_px, height_px = rng.choice(FRAME_SIZES_PX)
    still, light = random_variation(rng), rng.uniform(0.8, 1.1)
    faded = rng.randrange(count) if count > 1 and rng.random() < 0.15 else -1
    frames = []
    for number in range(count):
        moved = random_variation(rng)
        variation = dataclasses.replace(still, shift_x=moved.shift_x, shift_y=moved.shift_y)
        factor = light * (rng.uniform(0.0, 0.7) if number == faded else 1.0)
        image = draw_scene(scene, width_px, height_px, variation).point(lambda v, f=factor: min(255, int(v * f)))
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=rng.randint(60, 95))
        frames.append(Image.open(stored).convert("RGB"))
    return frames


def brought_to_size(image: Image.Image) -> Picture:
    """The picture resized as MiniCPMV4_6ImageProcessor does: about SCALE_PX squared, sides of whole visual tokens."""
    height = int(SCALE_PX / math.sqrt(image.width / image.height))
    width = int(height * image.width / image.height)
    token_px = 2 * PATCH_PX
    size = (max(round(width / token_px), 1) * token_px, max(round(height / token_px), 1) * token_px)
    return np.array(image.resize(size, Image.Resampling.BICUBIC))


def visual_tokens(picture: Picture) -> int:
    """How many tokens the model makes of a picture: four patches each."""
    return picture.shape[0] * picture.shape[1] // (2 * PATCH_PX) ** 2


def packed(pictures: list[Picture]) -> tuple[Tensor, Tensor]:
    """Pictures as the processor packs them: float32 (1, 3, 12, 12 * patches), and int32 (n, 2), rows and columns."""
    strips, sizes = [], []
    for picture in pictures:
        rows, columns = picture.shape[0] // PATCH_PX, picture.shape[1] // PATCH_PX
        cut = picture.reshape(rows, PATCH_PX, columns, PATCH_PX, 3).transpose(4, 1, 0, 2, 3)
        strips.append(cut.reshape(3, PATCH_PX, -1))
        sizes.append((rows, columns))
    strip = torch.from_numpy(np.concatenate(strips, axis=-1))[None]
    return strip.float() / 127.5 - 1, torch.tensor(sizes, dtype=torch.int32)


def patches_of(drawn: list[Drawn]) -> Tensor:
    """All patches of the scenes' frames: float32 (n, 3, 12, 12)."""
    strip, _ = packed([frame for one in drawn for frame in one.frames])
    return strip[0].unflatten(2, (-1, PATCH_PX)).permute(2, 0, 1, 3)


def draw_pool(groups: int, rng: random.Random) -> list[Drawn]:
    """Draw `groups` groups; the scenes of one stand next to each other and have equally many frames."""
    pool = []
    for _ in range(groups):
        count = rng.choices(tuple(FRAMES), tuple(FRAMES.values()))[0]
        for scene in training_group(rng):
            pool.append(Drawn(scene, [brought_to_size(frame) for frame in frames_of(scene, count, rng)]))
    return pool
