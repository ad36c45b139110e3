"""Measures the toy SigLIP: `python -m samples.evaluate_toy_siglip samples/models/toy-siglip`.

On drawn scenes whose pair of shape and colour training never showed, and on key frames of the
sample clips. `--write` puts the numbers into the README.md of the checkpoint.
"""

import argparse
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import torch
from PIL import Image
from torch import Tensor
from transformers import AutoModel, AutoProcessor

from samples.captions import FIELDS, background_caption, full_caption
from samples.drawing import Scene
from samples.training_scenes import held_out_scenes, render_frame

HERE = Path(__file__).resolve().parent
KEY_FRAMES_AT = (0.2, 0.5, 0.8)  # shares of a scene; its vector is the mean of their vectors


class Encoder:
    """Texts and pictures to unit vectors by one checkpoint, loaded without a network."""

    def __init__(self, checkpoint: Path) -> None:
        """Load the model and processor in folder `checkpoint`."""
        self._model: Any = AutoModel.from_pretrained(checkpoint, local_files_only=True).eval()
        self._processor: Any = AutoProcessor.from_pretrained(checkpoint, local_files_only=True)

    def texts(self, texts: list[str]) -> Tensor:
        """float32 (n, 128), each of length 1."""
        inputs = self._processor(text=texts, padding="max_length", truncation=True, return_tensors="pt")
        with torch.no_grad():
            output = self._model.get_text_features(**inputs)
        return _unit(output.pooler_output)

    def pictures(self, pictures: list[Image.Image]) -> Tensor:
        """float32 (n, 128), each of length 1."""
        inputs = self._processor(images=pictures, return_tensors="pt")
        with torch.no_grad():
            output = self._model.get_image_features(**inputs)
        return _unit(output.pooler_output)

    def probabilities(self, cosines: Tensor) -> Tensor:
        """How probable it is that text and picture belong together, by SigLIP's sigmoid."""
        with torch.no_grad():
            return torch.sigmoid(self._model.logit_scale.exp() * cosines + self._model.logit_bias)


def measure_drawings(encoder: Encoder, count: int, seed: int) -> dict[str, float]:
    """Recall among `count` held-out drawings, and which attributes the best answer has right."""
    scenes = held_out_scenes(count, seed)
    rng = random.Random(seed)
    pictures = encoder.pictures([render_frame(scene, rng) for scene in scenes])
    similarity = encoder.texts([full_caption(scene).text for scene in scenes]) @ pictures.T
    right = torch.arange(count)
    best = similarity.topk(5, dim=1).indices
    numbers = {
        "R@1": _share(best[:, 0] == right),
        "R@5": _share((best == right[:, None]).any(1)),
        "picture to text R@1": _share(similarity.argmax(0) == right),
    }
    answers = [scenes[i] for i in best[:, 0].tolist()]
    for field in FIELDS:
        equal = [a.words()[field] == s.words()[field] for a, s in zip(answers, scenes, strict=True)]
        numbers[f"{field} of the best answer"] = sum(equal) / count
    short = {
        "a BACKGROUND background": ("a {background} background", ("background",)),
        "a TEXTURE BACKGROUND background": ("a {texture} {background} background", ("background", "texture")),
        "a photo of a COLOR SHAPE": ("a photo of a {color} {shape}", ("color", "shape")),
        "a SIZE SHAPE": ("a {size} {shape}", ("size", "shape")),
    }
    for name, (form, fields) in short.items():
        numbers[f'"{name}"'] = _precision(encoder, pictures, scenes, form, fields)
    return numbers


def _precision(encoder: Encoder, pictures: Tensor, scenes: list[Scene], form: str, fields: tuple[str, ...]) -> float:
    """Share of the different texts of a form whose best answer has all `fields` right."""
    wanted = {form.format(**s.words()): [s.words()[f] for f in fields] for s in scenes}
    best = (encoder.texts(list(wanted)) @ pictures.T).argmax(1).tolist()
    found = [[scenes[i].words()[f] for f in fields] for i in best]
    return sum(a == b for a, b in zip(found, wanted.values(), strict=True)) / len(wanted)


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def _share(equal: Tensor) -> float:
    return float(equal.float().mean())


def key_frames(clip: dict[str, Any], folder: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each scene of a clip of truth.json with its key frames: upright, through JPEG at q85."""
    with av.open(str(folder / clip["file"])) as container:
        frames = [(frame.time, frame) for frame in container.decode(video=0)]
    for scene in clip["scenes"]:
        length_s = scene["end_s"] - scene["start_s"]
        pictures = []
        for share in KEY_FRAMES_AT:
            wanted_s = scene["start_s"] + share * length_s
            frame = min(frames, key=lambda entry: abs(entry[0] - wanted_s))[1]
            picture = frame.to_image().rotate(frame.rotation, expand=True)
            packed = io.BytesIO()
            picture.save(packed, "JPEG", quality=85)
            pictures.append(Image.open(packed).convert("RGB"))
        yield scene, pictures


def measure_clips(encoder: Encoder, samples: Path) -> list[dict[str, Any]]:
    """For each scene of the clips: its query, its place in the answer, and the margin.

    `rank`: 1 when the scene, or one with the same background and texture, comes first.
    `margin`: cosine of the best right scene minus that of the best wrong one.
    """
    truth = json.loads((samples / "truth.json").read_text())
    names, shown, vectors = [], [], []
    for clip in truth["clips"]:
        for scene, pictures in key_frames(clip, samples / "clips"):
            names.append(f"{clip['file']} {scene['start_s']:.1f} s")
            shown.append(Scene(**scene["shown"]))
            vectors.append(_unit(encoder.pictures(pictures).mean(0)))
    queries = [background_caption(scene).text for scene in shown]
    similarity = encoder.texts(queries) @ torch.stack(vectors).T
    rows = []
    for name, query, scores in zip(names, queries, similarity, strict=True):
        right = torch.tensor([other == query for other in queries])
        best_right, best_wrong = scores[right].max(), scores[~right].max()
        rows.append(
            {
                "scene": name,
                "query": query,
                "rank": 1 + int((scores[~right] > best_right).sum()),
                "margin": float(best_right - best_wrong),
            }
        )
    return rows


def report(drawings: dict[str, float], clips: list[dict[str, Any]], count: int) -> str:
    """The numbers as Markdown tables."""
    lines = [f"Among {count} held-out drawings:", "", "| measure | share |", "| --- | --- |"]
    lines += [f"| {name} | {value:.2f} |" for name, value in drawings.items()]
    first = sum(row["rank"] == 1 for row in clips)
    lines += ["", f"On key frames of the clips: right scene first for {first} of {len(clips)}.", ""]
    lines += ["| scene | query | rank | margin (cosine) |", "| --- | --- | --- | --- |"]
    lines += [f"| {r['scene']} | {r['query']} | {r['rank']} | {r['margin']:.2f} |" for r in clips]
    return "\n".join(lines) + "\n"


CARD = """# toy-siglip

A SigLIP trained from scratch on drawn scenes by `samples/train_toy_siglip.py`: the real model and
processor classes, {parameters:.1f} million parameters, 96x96 pixels. A toy: it knows the colours and
textures of `samples/drawing.py` and nothing of the world. Made for tests, the demo and
the offline profile; never judge a search by it. Of shapes it has learned little: search by colour,
background and texture. Its licence is that of this repository.

Always encode text with `padding="max_length", truncation=True`.

Measured by `python -m samples.evaluate_toy_siglip` (shape and colour of the drawings in pairs that
training never showed; the answers of the short forms among the same drawings):

"""


def main() -> None:
    """Print the report; with --write put it into the checkpoint's README.md."""
    parser = argparse.ArgumentParser(description="Measure the toy SigLIP.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="write README.md of the checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(1)
    encoder = Encoder(args.checkpoint)
    drawings = measure_drawings(encoder, args.count, args.seed)
    text = report(drawings, measure_clips(encoder, HERE), args.count)
    print(text)
    if args.write:
        # float32 weights: four bytes each, the header is negligible.
        millions = (args.checkpoint / "model.safetensors").stat().st_size / 4e6
        card = CARD.format(parameters=millions) + text
        (args.checkpoint / "README.md").write_text(card)


if __name__ == "__main__":
    main()
