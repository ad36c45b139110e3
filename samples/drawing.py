"""Draws scenes: one coloured shape on a coloured, textured background, at any resolution.

The clips (640x360 pixels) and the training pictures of the toy models (96x96 pixels) speak the
same language of scenes, so what a model learned on small pictures holds on frames of the clips.
All lengths are shares of the shorter side of the picture, so a scene looks the same at any size.
"""

import math
import random
from dataclasses import asdict, dataclass

from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]

COLORS: dict[str, Rgb] = {
    # Hue above 0 after any rounding: just below it, hue wraps around to its largest value.
    "red": (208, 42, 24),
    "orange": (242, 132, 24),
    "yellow": (242, 214, 44),
    "green": (36, 148, 62),
    "cyan": (64, 206, 220),
    "blue": (36, 72, 206),
    "purple": (126, 46, 168),
    "pink": (248, 156, 196),
    "white": (242, 242, 242),
    # Faintly blue: a black without any hue gets a random one from the encoder's rounding, which
    # a frame score by hue takes for movement.
    "black": (18, 18, 36),
}
TEXTURES = ("plain", "striped", "checkered", "dotted")
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "diamond", "heart")
# Radius as a share of the shorter side. A large shape still leaves most of the background free:
# background and texture are what searches rely on.
SIZES = {"small": 0.16, "large": 0.30}
# Centre as shares of width and height. 0.31: a large shape just stays inside the picture.
POSITIONS = {"center": (0.5, 0.5), "left": (0.27, 0.5), "right": (0.73, 0.5), "top": (0.5, 0.31), "bottom": (0.5, 0.69)}
# One stripe or one check: 10x17 pixels in a 16:9 frame that SigLIP's processor squashed to 96x96.
# An eighth (7x12) was too fine for patches of 12 or 16 pixels: 200 steps did not learn it at all.
TEXTURE_STEP = 0.18


@dataclass(frozen=True)
class Scene:
    """What one scene shows; every field holds a word of the tables above."""

    background: str
    texture: str
    color: str
    shape: str
    size: str = "large"
    position: str = "center"

    def words(self) -> dict[str, str]:
        """The fields by name, as the truth file and the captions use them."""
        return asdict(self)


@dataclass(frozen=True)
class Variation:
    """How one drawing of a scene departs from the ideal one; the default changes nothing.

    `shift_x`, `shift_y`: the shape is moved by this share of the shorter side.
    `scale`: factor on the radius. `texture_scale`, `texture_phase`: factor on the step of the
    texture, and its offset in steps. `color_shift`, `background_shift`: added to each channel.
    """

    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0
    texture_scale: float = 1.0
    texture_phase: float = 0.0
    color_shift: Rgb = (0, 0, 0)
    background_shift: Rgb = (0, 0, 0)


IDEAL = Variation()


def random_scene(rng: random.Random) -> Scene:
    """A scene whose shape and background differ in colour, all else evenly drawn."""
    background, color = rng.sample(sorted(COLORS), 2)
    return Scene(
        background=background,
        texture=rng.choice(TEXTURES),
        color=color,
        shape=rng.choice(SHAPES),
        size=rng.choice(sorted(SIZES)),
        position=rng.choice(sorted(POSITIONS)),
    )


def random_variation(rng: random.Random) -> Variation:
    """What differs between drawings of one scene in training: motion, grid, shade of colours."""

    def shift_rgb() -> Rgb:
        return (rng.randint(-14, 14), rng.randint(-14, 14), rng.randint(-14, 14))

    return Variation(
        # 0.06: a little more than the shapes of the clips move.
        shift_x=rng.uniform(-0.06, 0.06),
        shift_y=rng.uniform(-0.06, 0.06),
        scale=rng.uniform(0.92, 1.08),
        texture_scale=rng.uniform(0.85, 1.2),
        texture_phase=rng.uniform(0.0, 2.0),
        color_shift=shift_rgb(),
        background_shift=shift_rgb(),
    )


def draw_background(scene: Scene, width_px: int, height_px: int, variation: Variation = IDEAL) -> Image.Image:
    """The textured background alone, as an RGB picture of the wanted size."""
    base = _shifted(COLORS[scene.background], variation.background_shift)
    image = Image.new("RGB", (width_px, height_px), base)
    draw = ImageDraw.Draw(image)
    step = min(width_px, height_px) * TEXTURE_STEP * variation.texture_scale
    start = -2 * step + variation.texture_phase % 2 * step
    second = _second_color(base)
    if scene.texture == "striped":
        for x in _steps(start, width_px, 2 * step):
            draw.rectangle((x, 0, x + step - 1, height_px), fill=second)
    elif scene.texture == "checkered":
        for row, y in enumerate(_steps(start, height_px, step)):
            for x in _steps(start + row % 2 * step, width_px, 2 * step):
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=second)
    elif scene.texture == "dotted":
        # Wider apart than stripes: a dot needs free room around it to read as one.
        apart, radius = 1.3 * step, 0.36 * step
        for y in _steps(start, height_px + apart, apart):
            for x in _steps(start, width_px + apart, apart):
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=second)
    return image


def draw_shape(image: Image.Image, scene: Scene, variation: Variation = IDEAL) -> None:
    """Draw the scene's shape onto `image`, in place."""
    side = min(image.size)
    across, down = POSITIONS[scene.position]
    x = across * image.width + variation.shift_x * side
    y = down * image.height + variation.shift_y * side
    radius = SIZES[scene.size] * side * variation.scale
    color = _shifted(COLORS[scene.color], variation.color_shift)
    _draw_outline(ImageDraw.Draw(image), scene.shape, x, y, radius, color)


def draw_scene(scene: Scene, width_px: int, height_px: int, variation: Variation = IDEAL) -> Image.Image:
    """The whole scene as an RGB picture of the wanted size."""
    image = draw_background(scene, width_px, height_px, variation)
    draw_shape(image, scene, variation)
    return image


def _steps(start: float, end: float, step: float) -> list[float]:
    """start, start + step, ... below `end`."""
    return [start + step * number for number in range(math.ceil((end - start) / step))]


def _shifted(color: Rgb, by: Rgb) -> Rgb:
    red, green, blue = (max(0, min(255, a + b)) for a, b in zip(color, by, strict=True))
    return (red, green, blue)


def _second_color(color: Rgb) -> Rgb:
    """The colour of stripes, checks and dots: a darker shade, of black a lighter one."""
    if max(color) < 70:
        return _shifted(color, (80, 80, 80))
    red, green, blue = (int(part * 0.6) for part in color)
    return (red, green, blue)


def _draw_outline(draw: ImageDraw.ImageDraw, shape: str, x: float, y: float, r: float, fill: Rgb) -> None:
    """Draw one shape centred at (x, y) that reaches about r pixels from there."""
    if shape == "circle":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
    elif shape == "ring":
        draw.ellipse((x - r, y - r, x + r, y + r), outline=fill, width=max(2, round(r * 0.35)))
    elif shape == "square":
        half = r * 0.88
        draw.rectangle((x - half, y - half, x + half, y + half), fill=fill)
    elif shape == "cross":
        bar = r * 0.32
        draw.rectangle((x - bar, y - r, x + bar, y + r), fill=fill)
        draw.rectangle((x - r, y - bar, x + r, y + bar), fill=fill)
    elif shape == "heart":
        lobe = r * 0.52
        for side in (-1, 1):
            middle, top = x + side * lobe * 0.94, y - r * 0.9
            draw.ellipse((middle - lobe, top, middle + lobe, top + 2 * lobe), fill=fill)
        low = y - r * 0.38  # the middle of the lobes
        draw.polygon([(x - r * 0.97, low), (x + r * 0.97, low), (x, y + r)], fill=fill)
    elif shape == "triangle":
        draw.polygon([(x, y - r), (x - r, y + r * 0.78), (x + r, y + r * 0.78)], fill=fill)
    elif shape == "diamond":
        draw.polygon([(x, y - r), (x + r * 0.7, y), (x, y + r), (x - r * 0.7, y)], fill=fill)
    elif shape == "star":
        # Five points: corners alternate between the full and 0.42 of the radius.
        reach = [r * (1.0 if corner % 2 == 0 else 0.42) for corner in range(10)]
        turn = [corner * math.pi / 5 for corner in range(10)]
        points = [(x + far * math.sin(a), y - far * math.cos(a)) for far, a in zip(reach, turn, strict=True)]
        draw.polygon(points, fill=fill)
    else:
        raise ValueError(f"There is no shape called {shape!r}; known are {', '.join(SHAPES)}.")
