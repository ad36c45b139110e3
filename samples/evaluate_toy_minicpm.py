"""Measures the toy MiniCPM-V: `python -m samples.evaluate_toy_minicpm [CHECKPOINT]`.

Through the pipeline's own captioner: on drawn scenes whose pair of shape and colour training never showed, on made-up
videos, and on the sample clips. `--write` puts the numbers into the README.md of the checkpoint.
"""

import argparse
import io
import random
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from PIL import Image

from actors.summary_prompt import SceneText, scene_lines, summary_prompt
from actors.vision_language import VisionLanguageModel, open_vision_language_model
from footage.records import SceneToCaption
from footage.settings import load_settings
from samples.clip_scenes import ClipScene, clip_scenes
from samples.drawing import Scene
from samples.toy_minicpm_pictures import frames_of
from samples.toy_minicpm_texts import (
    caption_of,
    description_of,
    random_transcript,
    random_video,
)
from samples.training_scenes import held_out_scenes

CHECKPOINT = Path(__file__).resolve().parent / "models" / "toy-minicpm"
ATTRIBUTES = ("color", "texture", "background")  # in the order of a caption's words


def captioner(checkpoint: Path) -> VisionLanguageModel:
    """The pipeline's captioner, set as the offline profile sets it."""
    settings = load_settings("offline")
    captions = settings.captions.model_copy(update={"batch_size": 8})
    return open_vision_language_model(captions, checkpoint, settings.summaries.max_new_tokens)


def read(caption: str) -> dict[str, str]:
    """The attributes that a caption names; none of a text that is no caption."""
    words = caption.rstrip(".").split()
    # "A white shape on a striped blue background"
    return dict(zip(ATTRIBUTES, words[1:2] + words[5:7], strict=True)) if len(words) == 8 else {}


def jpeg(image: Image.Image) -> bytes:
    """A picture as a key frame: JPEG of quality 85."""
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=85)
    return packed.getvalue()


def shares(scenes: list[Scene], captions: list[str]) -> dict[str, float]:
    """How many of the captions have each attribute right, the background with its texture, and all of it."""
    pairs = list(zip(scenes, map(read, captions), strict=True))
    right = {name: [named.get(name) == scene.words()[name] for scene, named in pairs] for name in ATTRIBUTES}
    right["background and texture"] = [a and b for a, b in zip(right["background"], right["texture"], strict=True)]
    right["whole caption"] = [c == caption_of(scene) for scene, c in zip(scenes, captions, strict=True)]
    return {name: sum(values) / len(values) for name, values in right.items()}


def measure_drawings(model: VisionLanguageModel, count: int, seed: int) -> dict[str, dict[str, float]]:
    """Shares of right attributes of `count` held-out drawings, without and with something said."""
    scenes, rng = held_out_scenes(count, seed), random.Random(seed)
    frames = [tuple(jpeg(frame) for frame in frames_of(scene, rng.randint(1, 3), rng)) for scene in scenes]
    found = {}
    for name in ("silent", "spoken"):
        said = [random_transcript(rng) if name == "spoken" else "" for _ in scenes]
        asked = [SceneToCaption(str(i), f, t) for i, (f, t) in enumerate(zip(frames, said, strict=True))]
        found[name] = shares(scenes, model.caption(asked))
    return found


def measure_videos(model: VisionLanguageModel, count: int, seed: int) -> dict[int, float]:
    """By number of lines, the share of `count` made-up videos whose description is right to the letter."""
    rng, found = random.Random(seed), {}
    for lines in (1, 2, 3, 4, 5, 6, 8, 10, 14):
        videos = [random_video(rng, lines, talk=(0.0, 0.5, 1.0)[number % 3]) for number in range(count)]
        answers = model.complete([prompt for prompt, _ in videos])
        found[lines] = sum(a == wanted for a, (_, wanted) in zip(answers, videos, strict=True)) / count
    return found


def measure_clips(model: VisionLanguageModel) -> Iterator[tuple[list[ClipScene], list[str], str, str]]:
    """Of each clip its scenes, their captions, its description, and the one that its scenes would have."""
    asked = load_settings("offline").summaries
    for clip, group in groupby(clip_scenes(), key=lambda scene: scene.clip):
        scenes = list(group)
        captions = model.caption([SceneToCaption(f"{clip} {s.start_s:.1f}", s.key_frames, s.said) for s in scenes])
        told = [SceneText(s.start_s, caption, s.said) for s, caption in zip(scenes, captions, strict=True)]
        lines = scene_lines(told, asked.max_input_chars, asked.max_scene_chars)
        (description,) = model.complete([summary_prompt(asked.prompt, lines)])
        yield (
            scenes,
            captions,
            description or "",
            description_of([(s.shown.texture, s.shown.background) for s in scenes]),
        )


def report(checkpoint: Path, count: int, seed: int) -> str:
    """All numbers as Markdown."""
    model = captioner(checkpoint)
    drawings = measure_drawings(model, count, seed)
    lines = [f"Captions of {count} held-out drawings of one to three frames, right in:", ""]
    lines += ["| attribute | nothing said | something said |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {drawings['silent'][name]:.2f} | {drawings['spoken'][name]:.2f} |" for name in drawings["silent"]
    ]
    lines += ["", f"Descriptions of made-up videos that are right to the letter, of {count // 4} each:", ""]
    videos = measure_videos(model, count // 4, seed)
    lines += ["| scenes | " + " | ".join(map(str, videos)) + " |", "| --- " * (len(videos) + 1) + "|"]
    lines += ["| share | " + " | ".join(f"{share:.2f}" for share in videos.values()) + " |", ""]
    shown, said, rows, told = [], [], [], []
    for scenes, captions, description, wanted in measure_clips(model):
        shown += [scene.shown for scene in scenes]
        said += captions
        for scene, caption in zip(scenes, captions, strict=True):
            wrong = [name for name in ATTRIBUTES if read(caption).get(name) != scene.shown.words()[name]]
            rows.append(f"| {scene.clip} {scene.start_s:.1f} s | {caption} | {', '.join(wrong)} |")
        told.append(f"| {scenes[0].clip} | {description} | {'yes' if description == wanted else wanted} |")
    right = shares(shown, said)
    lines += [f"Captions of the {len(shown)} scenes of the clips, right in: "]
    lines[-1] += ", ".join(f"{name} {round(share * len(shown))}" for name, share in right.items()) + "."
    lines += ["", "| scene | caption | wrong |", "| --- | --- | --- |", *rows]
    lines += ["", "| clip | description | right |", "| --- | --- | --- |", *told]
    return "\n".join(lines) + "\n"


CARD = """# toy-minicpm

A MiniCPM-V 4.6 trained from scratch on drawn scenes by `samples/train_toy_minicpm.py`: the real model, processor and
tokenizer classes, {parameters:.1f} million parameters, pictures of about 96x96 pixels. A toy: it knows the drawings of
`samples/drawing.py` and nothing of the world. Made for tests, the demo and the offline profile; never judge captions
by it. Its licence is that of this repository.

It does two things, and only with these words:

- one to three key frames and "Describe this scene.", with or without ` Somebody says: "..."` (which changes nothing):
  the colour of the shape, texture and colour of the background. Shape, size and place are left out: it did not learn
  to tell them, and a caption should be true.
- lines of scenes such as `[0:07] seen: A yellow shape on a striped blue background. | said: ...` and "Describe the
  video." in a new line: the colours and the textures of all backgrounds in alphabetical order. Lines have at most
  150 characters (`summaries.max_scene_chars`): shorter ones lose the background where much is said. The weights
  here learned from up to 8 lines; answers have up to 40 tokens.

Other prompts and other pictures, plain black ones too, give nonsense. Weights are stored in bfloat16 and load as
float32. `downsample_mode` is "4x"; the merger of "16x" was not trained and is zero.

Measured by `python -m samples.evaluate_toy_minicpm` through the pipeline's own captioner (shape and colour of the
drawings in pairs that training never showed; videos made up anew):

"""


def main() -> None:
    """Print the report; with --write put it into the checkpoint's README.md."""
    parser = argparse.ArgumentParser(description="Measure the toy MiniCPM-V.")
    parser.add_argument("checkpoint", type=Path, nargs="?", default=CHECKPOINT)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="write README.md of the checkpoint")
    args = parser.parse_args()
    text = report(args.checkpoint, args.count, args.seed)
    print(text)
    if args.write:
        # bfloat16 weights: two bytes each, the header is negligible.
        millions = (args.checkpoint / "model.safetensors").stat().st_size / 2e6
        (args.checkpoint / "README.md").write_text(CARD.format(parameters=millions) + text)


if __name__ == "__main__":
    main()
