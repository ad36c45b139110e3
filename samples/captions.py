"""Captions of drawn scenes in the forms people type, each with what it does and does not mention.

A caption that says "a red circle" is true of every scene with a red circle; knowing which fields a
caption mentions lets training count all of them as right.
"""

import random
from dataclasses import dataclass

from samples.drawing import Scene

FIELDS = ("background", "texture", "color", "shape", "size", "position")

TEXTURE_NOUNS = {"striped": ("stripes",), "checkered": ("checks", "a checkerboard"), "dotted": ("dots", "polka dots")}
SIZE_WORDS = {"small": ("small", "little"), "large": ("large", "big")}
PLACES = {
    "center": ("in the center", "in the middle"),
    "left": ("on the left",),
    "right": ("on the right",),
    "top": ("at the top",),
    "bottom": ("at the bottom",),
}
OPENINGS = ("a photo of", "a picture of", "a video of", "video of", "a scene with", "footage of", "find", "show me")
# Words around a description that say nothing about the picture: half of a mixed search such as
# "someone talks about the harbor, a striped blue background".
OTHER_WORDS = (
    *("someone talks about", "someone says", "a person speaks of", "we hear about", "they mention"),
    *("the engine and the oil", "the sea", "an ocean and ships", "a storm with high waves"),
    *("baking bread in the kitchen", "money and the budget of a company", "a sleeping animal"),
    *("birds in a tree", "the garden and its flowers", "walking up a mountain", "a train station"),
    *("music and a piano", "how to repair cars", "the weather today", "a house near the harbor"),
    *("young children at school", "where people work", "drinking water", "an old story"),
)


@dataclass(frozen=True)
class Caption:
    """A text about a scene, and the names of the fields of `Scene` that it mentions."""

    text: str
    mentions: frozenset[str]


def full_caption(scene: Scene) -> Caption:
    """The one caption that mentions every field, for measuring."""
    background, _ = _texture_first(scene)
    place = PLACES[scene.position][0]
    text = f"a {scene.size} {scene.color} {scene.shape} {place} of a {background} background"
    return Caption(text, frozenset(FIELDS))


def background_caption(scene: Scene) -> Caption:
    """ "a striped blue background": what searches in the demo say."""
    text = f"a {scene.texture} {scene.background} background"
    return Caption(text, frozenset(("background", "texture")))


def random_caption(scene: Scene, rng: random.Random) -> Caption:
    """One of many forms, with none to all of the optional parts, as searches are typed."""
    kind = rng.random()
    if kind < 0.30:
        text, mentions = _background(scene, rng)
    elif kind < 0.50:
        text, mentions = _subject(scene, rng)
    else:
        subject, of_subject = _subject(scene, rng)
        background, of_background = _background(scene, rng)
        mentions = of_subject | of_background
        text = rng.choice(
            (
                f"{subject} on {background}",
                f"{subject} of {background}" if "position" in mentions else f"{subject} on {background}",
                f"{background} with {subject}",
                f"{subject}, {background}",
            )
        )
    if rng.random() < 0.35:
        text = f"{rng.choice(OPENINGS)} {text}"
    elif text.startswith("a ") and rng.random() < 0.3:
        text = text.removeprefix("a ")
    if rng.random() < 0.12:
        others = " ".join(rng.sample(OTHER_WORDS, rng.randint(1, 2)))
        text = rng.choice((f"{others}, {text}", f"{others} with {text}", f"{text}, {others}"))
    return Caption(text, frozenset(mentions))


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _texture_first(scene: Scene) -> tuple[str, set[str]]:
    return f"{scene.texture} {scene.background}", {"background", "texture"}


def _background(scene: Scene, rng: random.Random) -> tuple[str, set[str]]:
    """A phrase about the background and the fields it mentions."""
    both = {"background", "texture"}
    kind = rng.random()
    if kind < 0.15:
        return f"{_article(scene.background)} background", {"background"}
    if kind < 0.22:
        return f"a {scene.texture} background", {"texture"}
    if kind < 0.55 or scene.texture == "plain":
        order = (scene.texture, scene.background)
        first, second = order if rng.random() < 0.75 else order[::-1]
        return f"{_article(first)} {second} background", both
    noun = rng.choice(TEXTURE_NOUNS[scene.texture])
    if kind < 0.75 and not noun.startswith("a "):
        return f"{scene.background} {noun}", both
    return f"{_article(scene.background)} background with {noun}", both


def _subject(scene: Scene, rng: random.Random) -> tuple[str, set[str]]:
    """A phrase about the shape and the fields it mentions."""
    words, mentions = [scene.shape], {"shape"}
    if rng.random() < 0.85:
        words.insert(0, scene.color)
        mentions.add("color")
    if rng.random() < 0.5:
        words.insert(0, rng.choice(SIZE_WORDS[scene.size]))
        mentions.add("size")
    phrase = _article(" ".join(words))
    if rng.random() < 0.5:
        phrase = f"{phrase} {rng.choice(PLACES[scene.position])}"
        mentions.add("position")
    return phrase, mentions
