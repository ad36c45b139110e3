"""What the toy MiniCPM-V reads and writes: captions of scenes, what is said, lines of scenes, descriptions.

Prompts have the form of the offline profile (captions.prompt, captions.said, summaries.prompt).
"""

import dataclasses
import random
import re
from functools import cache
from pydoc_data.topics import topics

from actors.summary_prompt import SceneText, scene_lines
from samples.captions import OTHER_WORDS
from samples.drawing import Scene, random_scene

CAPTION_PROMPT = "Describe this scene."
SAID = ' Somebody says: "{transcript}"'
DESCRIBE_PROMPT = "{scenes}\nDescribe the video."
TRANSCRIPT_CHARS = 200  # captions.transcript_chars of the offline profile
LINE_CHARS = 150  # summaries.max_scene_chars of the offline profile
LINES_CHARS = 12_000  # more than any video here has
MAX_LINES = 14  # of the videos it learns from; as many without speech fit into summaries.max_input_chars

Background = tuple[str, str]
"""Texture and colour."""


def caption_of(scene: Scene) -> str:
    """The sentence the toy should say: what it can tell of a scene, which is not shape, size or place."""
    article = "An" if scene.color[0] in "aeiou" else "A"
    return f"{article} {scene.color} shape on a {scene.texture} {scene.background} background."


@cache
def english_sentences() -> tuple[str, ...]:
    """Sentences of plain English: the reference topics that come with every Python."""
    text = re.sub(r"\s+", " ", " ".join(topics.values()))
    found = re.findall(r"[A-Z][a-z][A-Za-z ,'-]{20,160}[.]", text)
    return tuple(sorted(set(found)))


@cache
def english_words() -> tuple[str, ...]:
    """The different words of the sentences, and of what people say beside a description."""
    words = {word for text in (*english_sentences(), *OTHER_WORDS) for word in re.findall(r"[A-Za-z']+", text)}
    return tuple(sorted(words))


def random_transcript(rng: random.Random) -> str:
    """Something that may be said in a scene: sentences, random words, and now and then words of captions."""
    kind = rng.random()
    if kind < 0.4:
        text = rng.choice(english_sentences())
    elif kind < 0.85:
        words = rng.choices(english_words(), k=rng.randint(2, 22))
        text = " ".join(words).capitalize() + rng.choice(".....?!")
    elif kind < 0.95:
        words = rng.choices(english_words(), k=rng.randint(2, 10))
        scene = random_scene(rng)
        for word in rng.sample([scene.color, scene.background, scene.shape, scene.size, "background"], 2):
            words.insert(rng.randrange(len(words)), word)
        text = " ".join(words).capitalize() + "."
    else:
        letters = "abcdefghijklmnopqrstuvwxyz"
        text = " ".join("".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(rng.randint(2, 8)))
    if rng.random() < 0.25:
        text = f"{text} {rng.choice(english_sentences())}"
    return text


def caption_prompt(transcript: str) -> str:
    """The question about one scene; `transcript` is cut as the settings say, "" leaves it out."""
    said = SAID.replace("{transcript}", transcript[:TRANSCRIPT_CHARS].strip()) if transcript else ""
    return CAPTION_PROMPT + said


def describe_prompt(lines: list[str]) -> str:
    """The question about one video."""
    return DESCRIBE_PROMPT.replace("{scenes}", "\n".join(lines))


def description_of(backgrounds: list[Background]) -> str:
    """The sentence the toy should say of a video with these backgrounds: their colours, then their textures.

    In alphabetical order: the order of their scenes was not learned in the time there is.
    """
    if not backgrounds:
        return "A video."
    textures, colors = (enumeration(sorted(set(words))) for words in zip(*backgrounds, strict=True))
    return f"A video of {colors} backgrounds that are {textures}."


def enumeration(words: list[str]) -> str:
    """`red`, `red and blue`, `red, white and blue`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def random_videos(rng: random.Random, most_lines: int) -> list[tuple[str, str]]:
    """Prompts and descriptions of made-up videos, of about the same length so that little is padding.

    Of long ones there are fewer: together they have about 1,600 tokens.
    """
    lines, talk = rng.randint(1, most_lines), rng.choice((0.0, 0.3, 0.7, 1.0))
    tokens = 20 + lines * (18 + 25 * talk)
    return [random_video(rng, lines, talk) for _ in range(min(40, int(1600 / tokens)))]


def random_video(rng: random.Random, line_count: int, talk: float) -> tuple[str, str]:
    """The prompt and the description of a made-up video; `talk` is the share of scenes with speech."""
    scenes: list[SceneText] = []
    backgrounds: list[Background] = []
    scene, start_s = random_scene(rng), 0.0
    for _ in range(line_count):
        # A long shot is divided, so its background comes again at once; others come back later.
        kind = rng.random()
        if kind > 0.25:
            scene = random_scene(rng)
        elif kind < 0.12 and backgrounds:
            texture, background = rng.choice(backgrounds)
            scene = dataclasses.replace(scene, texture=texture, background=background)
        transcript = random_transcript(rng) if rng.random() < talk else ""
        is_captioned = not transcript or rng.random() > 0.04
        scenes.append(SceneText(start_s, caption_of(scene) if is_captioned else "", transcript))
        if is_captioned:
            backgrounds.append((scene.texture, scene.background))
        start_s += rng.uniform(2.0, 15.0)
    lines = scene_lines(scenes, LINES_CHARS, LINE_CHARS)
    return describe_prompt(lines), description_of(backgrounds)
