"""What the sample clips show and say: data only, read by `make_clips.py`.

Rules the list keeps: a sentence lies wholly inside its shot; (background, texture) is unique in
the whole set except checkered yellow, which is shown twice, and lighthouses, which are spoken of
twice, so that only both together name one scene. Sentences avoid names and numbers.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from samples.drawing import Scene


@dataclass(frozen=True)
class Line:
    """A sentence and when it starts, in seconds after the start of its shot."""

    text: str
    after_s: float = 0.6


@dataclass(frozen=True)
class Shot:
    """One scene of a clip, its length and what is said in it.

    `fade_at_s`: seconds after the start of the shot at which the picture is wholly black in a
    fade to black and back of `FADE_S` seconds; None means no fade.
    """

    scene: Scene
    length_s: float
    lines: tuple[Line, ...] = ()
    fade_at_s: float | None = None


@dataclass(frozen=True)
class Clip:
    """One file. `rate` is frames a second; `steps_ms` makes the rate variable instead.

    `rotation`: degrees, counter-clockwise, by which a player turns the coded picture. With 90 or
    -90 the clip is shown in portrait.
    """

    name: str
    shots: tuple[Shot, ...]
    rate: Fraction = Fraction(25)
    steps_ms: tuple[int, ...] = ()
    rotation: int = 0
    has_audio: bool = True
    quality_crf: int = field(default=27)


FADE_S = 1.0

GARAGE = Clip(
    "garage",
    (
        Shot(
            Scene("red", "plain", "white", "square"),
            7.0,
            (Line("Please replace the front brake pads before you change the oil in the engine."),),
        ),
        Shot(Scene("blue", "striped", "yellow", "star"), 2.4),
        Shot(
            Scene("white", "plain", "red", "circle", "small", "left"),
            5.6,
            (Line("The old tires are flat, so the car cannot drive."),),
        ),
        Shot(Scene("orange", "dotted", "black", "cross"), 2.6),
    ),
)

COAST = Clip(
    "coast",
    (
        Shot(
            Scene("yellow", "checkered", "blue", "triangle"),
            5.2,
            (Line("The old lighthouse stands on a rock near the ocean."),),
        ),
        Shot(
            Scene("purple", "striped", "white", "circle", "large", "right"),
            5.6,
            (Line("A heavy storm is coming and the waves are very high."),),
        ),
        Shot(
            Scene("cyan", "plain", "red", "diamond", "large", "top"),
            6.0,
            (Line("Every sailor can see the lighthouse from the harbor."),),
        ),
    ),
    rate=Fraction(30000, 1001),
)

KITCHEN_OFFICE = Clip(
    "kitchen_office",
    (
        Shot(
            Scene("orange", "plain", "white", "heart"),
            6.2,
            (Line("The biscuits are baked in a hot oven until they are golden and crisp."),),
        ),
        Shot(
            Scene("green", "checkered", "black", "square", "small", "right"),
            6.8,
            (Line("The company spent too much money, so the quarterly budget will be smaller."),),
        ),
        Shot(Scene("pink", "striped", "blue", "ring"), 2.2),
    ),
)

WINDOW = Clip(
    "window",
    (
        Shot(
            # Mostly white: in a fade of a saturated colour the last step to black changes hue
            # and saturation at once, which a frame score takes for a cut.
            Scene("white", "dotted", "orange", "circle", "small"),
            7.6,
            (Line("The cat is sleeping in the sun near the window.", after_s=3.4),),
            fade_at_s=2.4,
        ),
        Shot(
            Scene("green", "plain", "pink", "heart", "large", "left"),
            5.6,
            (Line("The little birds are singing in the apple tree."),),
        ),
        Shot(Scene("purple", "plain", "yellow", "star", "small"), 2.0),
    ),
)

SHAPES_SILENT = Clip(
    "shapes_silent",
    (
        Shot(Scene("pink", "dotted", "green", "diamond"), 2.6),
        Shot(Scene("yellow", "checkered", "purple", "ring"), 2.4),
        Shot(Scene("black", "plain", "cyan", "star"), 2.0),
        Shot(Scene("red", "striped", "white", "cross"), 2.8),
        Shot(Scene("cyan", "checkered", "orange", "heart", "large", "bottom"), 2.4),
    ),
    has_audio=False,
)

PORTRAIT = Clip(
    "portrait",
    (
        Shot(
            Scene("blue", "plain", "orange", "triangle"),
            6.0,
            (Line("We carry our tent and climb to the top of the mountain."),),
        ),
        Shot(
            Scene("yellow", "plain", "green", "circle", "large", "bottom"),
            5.4,
            (Line("Remember to drink enough water on a long walk."),),
        ),
    ),
    # As phones write it: the player turns the coded picture clockwise.
    rotation=-90,
)

GARDEN_LONG_SHOT = Clip(
    "garden_long_shot",
    (
        Shot(
            Scene("green", "dotted", "white", "star"),
            36.0,
            (
                # No sentence crosses 15 s or 30 s, where a long shot is divided by default.
                Line("Today we are working in the garden behind the house.", 0.8),
                Line("First we dig a deep hole and fill it with fresh soil.", 5.4),
                Line("After that we plant the young tomatoes along the fence.", 10.4),
                Line("Tomatoes need a lot of sun and some water every morning.", 15.8),
                Line("Many insects fly from flower to flower and collect honey.", 20.8),
                Line("You should remove the weeds before they get too big.", 26.0),
                Line("In September we pick the fruit and eat it with the neighbors.", 30.8),
            ),
        ),
    ),
    quality_crf=32,
)

RAILWAY_VARIABLE_RATE = Clip(
    "railway_variable_rate",
    (
        Shot(
            Scene("red", "checkered", "white", "ring"),
            6.0,
            (Line("The train crosses a long bridge and stops at the station."),),
        ),
        Shot(Scene("white", "striped", "blue", "square", "large", "left"), 2.4),
        Shot(
            Scene("black", "dotted", "yellow", "triangle"),
            5.6,
            (Line("The music teacher plays a beautiful song on the piano."),),
        ),
    ),
    steps_ms=(40, 40, 20, 60, 30, 50, 80, 40),
)

CLIPS = (
    GARAGE,
    COAST,
    KITCHEN_OFFICE,
    WINDOW,
    SHAPES_SILENT,
    PORTRAIT,
    GARDEN_LONG_SHOT,
    RAILWAY_VARIABLE_RATE,
)
