"""Scenes as the toy models train on them: groups of near twins, drawn as frames of videos."""

import dataclasses
import io
import random
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

from samples.captions import FIELDS, Caption
from samples.drawing import (
    COLORS,
    POSITIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Scene,
    draw_scene,
    random_scene,
    random_variation,
)

IMAGE_SIDE_PX = 96
VALUES: dict[str, list[str]] = {
    "background": sorted(COLORS),
    "texture": list(TEXTURES),
    "color": sorted(COLORS),
    "shape": list(SHAPES),
    "size": sorted(SIZES),
    "position": sorted(POSITIONS),
}
GROUP = 4  # scenes of a batch that differ in one attribute from the first of them
# Frames as cameras and phones give them; SigLIP's processor squashes them all to a square.
FRAME_SIZES_PX = ((320, 180), (320, 180), (180, 320), (240, 180), (180, 180))


def is_held_out(scene: Scene) -> bool:
    """Whether this pair of shape and colour is kept out of training (about one in eight)."""
    return zlib.crc32(f"{scene.color} {scene.shape}".encode()) % 8 == 0


def training_group(rng: random.Random) -> list[Scene]:
    """A scene and others that differ from it in one attribute each, none held out."""
    while is_held_out(first := random_scene(rng)):
        pass
    group = [first]
    while len(group) < GROUP:
        field = rng.choice(FIELDS)
        scene = dataclasses.replace(first, **{field: rng.choice(VALUES[field])})
        if scene.color != scene.background and not is_held_out(scene) and scene not in group:
            group.append(scene)
    return group


def render_frame(scene: Scene, rng: random.Random) -> Image.Image:
    """The scene as a key frame arrives: any aspect, moved a little, lighter or darker, a JPEG."""
    width_px, height_px = rng.choice(FRAME_SIZES_PX)
    image = draw_scene(scene, width_px, height_px, random_variation(rng))
    light = rng.uniform(0.8, 1.1)
    image = image.point(lambda value: min(255, int(value * light)))
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=rng.randint(60, 95))
    return Image.open(packed).convert("RGB")


def squash(image: Image.Image) -> npt.NDArray[np.uint8]:
    """uint8 (96, 96, 3), resized as SiglipImageProcessor does."""
    return np.array(image.resize((IMAGE_SIDE_PX, IMAGE_SIDE_PX), Image.Resampling.BICUBIC))


def numbers_of(scene: Scene, caption: Caption | None = None) -> list[int]:
    """The index of each attribute's value, -1 where `caption` does not mention it."""
    words = scene.words()
    return [
        VALUES[field].index(words[field]) if caption is None or field in caption.mentions else -1 for field in FIELDS
    ]


def held_out_scenes(count: int, seed: int) -> list[Scene]:
    """`count` different scenes whose pair of shape and colour training never showed."""
    rng, found = random.Random(seed), dict[Scene, None]()
    while len(found) < count:
        scene = random_scene(rng)
        if is_held_out(scene):
            found[scene] = None
    return list(found)
