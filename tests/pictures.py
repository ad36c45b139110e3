"""Pictures of one colour, and what colour a picture has."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

Rgb = tuple[int, int, int]


def jpeg(colour: str | Rgb, width_px: int = 96, height_px: int = 64) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width_px, height_px), colour).save(file, "JPEG", quality=95)
    return file.getvalue()


def mean_rgb(frame: bytes) -> Rgb:
    red, green, blue = np.asarray(Image.open(io.BytesIO(frame)).convert("RGB")).mean(axis=(0, 1)).round().astype(int)
    return int(red), int(green), int(blue)


def nearest(colours: Sequence[Rgb], rgb: Rgb) -> int:
    """Which of the colours is nearest."""
    return int(np.abs(np.asarray(colours) - np.asarray(rgb)).sum(axis=1).argmin())


def distinct_colours(steps: int = 4) -> list[Rgb]:
    """Corners of a grid in the cube of colours, `steps` along each edge."""
    levels = [round(255 * step / (steps - 1)) for step in range(steps)]
    return [(red, green, blue) for red in levels for green in levels for blue in levels]
