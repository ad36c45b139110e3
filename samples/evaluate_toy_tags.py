"""Measures the tags of the toy SigLIP on the sample clips: `python -m samples.evaluate_toy_tags`.

By its vocabulary.yaml, as actors/vision_tags.py scores it: a scene has a tag as surely as the best of its key frames,
by SigLIP's own sigmoid. Right are the colour and the texture of the scene's background.
"""

import argparse
import io
from pathlib import Path

import torch
from PIL import Image

from footage.vocabulary import load_vocabulary
from samples.clip_scenes import clip_scenes
from samples.evaluate_toy_siglip import Encoder

CHECKPOINT = Path(__file__).resolve().parent / "models" / "toy-siglip"
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


def main() -> None:
    """Print precision and recall of the tags by threshold, for each group and for all."""
    parser = argparse.ArgumentParser(description="Measure the tags of the toy SigLIP.")
    parser.add_argument("checkpoint", type=Path, nargs="?", default=CHECKPOINT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    encoder = Encoder(args.checkpoint)
    tags = load_vocabulary(str(args.checkpoint / "vocabulary.yaml")).tags
    texts = encoder.texts([tag.text for tag in tags])
    scenes = clip_scenes()
    cosines = []
    for scene in scenes:
        pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in scene.key_frames]
        cosines.append((encoder.pictures(pictures) @ texts.T).amax(0))
    probabilities = encoder.probabilities(torch.stack(cosines))
    right = torch.tensor(
        [[tag.name in (s.shown.texture, f"{s.shown.background} background") for tag in tags] for s in scenes]
    )
    groups = sorted({tag.group for tag in tags})
    print(f"{len(scenes)} scenes, {len(tags)} tags")
    for group in (*groups, "all"):
        members = torch.tensor([group in (tag.group, "all") for tag in tags])
        true = right[:, members]
        for threshold in THRESHOLDS:
            given = probabilities[:, members] >= threshold
            hits = int((given & true).sum())
            precision, recall = hits / max(1, int(given.sum())), hits / int(true.sum())
            counted = f"{hits} of {int(given.sum())} tags right"
            print(f"{group}, from {threshold}: {counted} {precision:.2f}, found {recall:.2f}")


if __name__ == "__main__":
    main()
