"""Trains a toy SigLIP on drawn scenes, on one CPU core: `python -m samples.train_toy_siglip OUT`.

The result is a real SiglipModel with its SiglipProcessor (1.3 million parameters, not hundreds of
millions), which AutoModel and AutoProcessor load without a network. It knows drawn scenes only.

Loss: the sigmoid loss of SigLIP (Zhai et al. 2023, arXiv:2303.15343), where every scene of the
batch that a caption is true of counts as right; beside it, while training only, linear heads on
the picture's vector name each attribute.
"""

import argparse
import math
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from torch import Tensor, nn
from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipProcessor, SiglipTokenizer

from samples.captions import FIELDS, full_caption, random_caption
from samples.drawing import Scene, random_scene
from samples.training_scenes import (
    GROUP,
    IMAGE_SIDE_PX,
    VALUES,
    held_out_scenes,
    numbers_of,
    render_frame,
    squash,
    training_group,
)

PATCH_SIDE_PX = 12  # 8x8 patches; with 16 two stripes of a squashed 16:9 frame fall inside one
CAPTION_TOKENS = 32  # the longest captions of training take 30
GROUPS_IN_BATCH = 16  # of 4 scenes each
WARM_UP_STEPS = 50
# First the heads alone: textures and places are seen sooner without the noise of captions that are
# not understood yet, and a step costs a third less.
PICTURES_ONLY_STEPS = 250


@dataclass(frozen=True)
class Pool:
    """Drawn training scenes: uint8 pictures (n, 96, 96, 3), and (n, 6) attribute numbers."""

    scenes: list[Scene]
    pictures: Tensor
    numbers: Tensor


def draw_pool(groups: int, rng: random.Random) -> Pool:
    """Draw `groups` groups; the scenes of one stand next to each other."""
    scenes = [scene for _ in range(groups) for scene in training_group(rng)]
    pictures = np.stack([squash(render_frame(scene, rng)) for scene in scenes])
    numbers = torch.tensor([numbers_of(scene) for scene in scenes])
    return Pool(scenes, torch.from_numpy(pictures), numbers)


def make_processor(rng: random.Random) -> SiglipProcessor:
    """Tokenizer (sentencepiece over captions) and image processor."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, prefix = Path(folder) / "captions.txt", Path(folder) / "spiece"
        lines = [random_caption(random_scene(rng), rng).text for _ in range(20_000)]
        # Every letter, so that a word never seen falls apart into letters instead of <unk>.
        lines += [" ".join("abcdefghijklmnopqrstuvwxyz"), "abcdefghijklmnopqrstuvwxyz"] * 20
        corpus.write_text("\n".join(lines))
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus),
            model_prefix=str(prefix),
            model_type="bpe",  # whole words for what captions repeat; unigram kept 163 pieces
            vocab_size=400,
            character_coverage=1.0,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
        tokenizer = SiglipTokenizer(
            vocab_file=f"{prefix}.model",
            model_max_length=CAPTION_TOKENS,
            # Without this the processor adds an attention mask, which SigLIP is not trained with.
            model_input_names=["input_ids"],
        )
    side = {"height": IMAGE_SIDE_PX, "width": IMAGE_SIDE_PX}
    return SiglipProcessor(SiglipImageProcessorPil(size=side), tokenizer)


def make_model(vocabulary: int) -> SiglipModel:
    """An untrained SiglipModel, small enough for one core."""
    layers = {"hidden_size": 128, "intermediate_size": 384, "num_attention_heads": 4}
    model = SiglipModel(
        SiglipConfig(
            text_config={
                **layers,
                "num_hidden_layers": 2,
                "vocab_size": vocabulary,
                "max_position_embeddings": CAPTION_TOKENS,
                "projection_size": 128,
                "pad_token_id": 0,
                "eos_token_id": 1,
                "bos_token_id": 1,
            },
            vision_config={**layers, "num_hidden_layers": 4, "image_size": IMAGE_SIDE_PX, "patch_size": PATCH_SIDE_PX},
        )
    )
    # The paper's starting point: nearly all pairs of a batch are wrong, so start from "no".
    model.logit_scale.data.fill_(math.log(10.0))
    model.logit_bias.data.fill_(-10.0)
    places = model.vision_model.embeddings.position_embedding.weight
    places.data.copy_(waves(IMAGE_SIDE_PX // PATCH_SIDE_PX, places.shape[1]))
    return model


def waves(side: int, width: int) -> Tensor:
    """Sines and cosines of the column and the row of each patch: float32 (side * side, width).

    What training starts the position embeddings from. From random ones the place of a shape was
    still unlearned after 160 steps; from these it was found in most pictures.
    """
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    octaves = torch.arange(width // 4) / (width // 4)
    frequency = math.pi / 2 * torch.exp(-octaves * math.log(16.0))
    angles = [place.flatten()[:, None] * frequency for place in (column, row)]
    return 0.5 * torch.cat([wave(a) for a in angles for wave in (torch.sin, torch.cos)], dim=1)


def pixel_values(pictures: Tensor) -> Tensor:
    """uint8 (n, 96, 96, 3) to float (n, 3, 96, 96) from -1 to 1, as the image processor does."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def token_ids(processor: SiglipProcessor, texts: list[str]) -> Tensor:
    """int64 (n, 32), padded to full length as SigLIP needs."""
    inputs = processor(text=texts, padding="max_length", truncation=True, return_tensors="pt")
    return torch.as_tensor(inputs["input_ids"])


def sigmoid_loss(logits: Tensor, of_captions: Tensor, of_scenes: Tensor) -> Tensor:
    """SigLIP's loss of (captions, scenes) logits; right is every scene a caption is true of.

    `of_captions`, `of_scenes`: (n, 6) attribute numbers, -1 where a caption is silent.
    """
    wanted = of_captions[:, None, :]
    right = ((wanted == -1) | (wanted == of_scenes[None, :, :])).all(-1)
    sign = torch.where(right, 1.0, -1.0)
    return -nn.functional.logsigmoid(sign * logits).sum(-1).mean()


def recall_at_1(model: SiglipModel, ids: Tensor, pictures: Tensor) -> float:
    """Share of full captions whose own picture is the best of all."""
    with torch.no_grad():
        logits = model(input_ids=ids, pixel_values=pixel_values(pictures)).logits_per_text
    return float((logits.argmax(1) == torch.arange(len(ids))).float().mean())


def head_losses(heads: nn.ModuleDict, vectors: Tensor, numbers: Tensor) -> Tensor:
    """Cross entropy of naming each attribute from the pictures' vectors: float32 (6,)."""
    return torch.stack([nn.functional.cross_entropy(heads[f](vectors), numbers[:, i]) for i, f in enumerate(FIELDS)])


class CaptionWriter:
    """Captions of training scenes as token ids, each text tokenized once."""

    def __init__(self, processor: SiglipProcessor, rng: random.Random) -> None:
        self._processor = processor
        self._rng = rng
        self._known: dict[str, Tensor] = {}

    def __call__(self, scenes: list[Scene]) -> tuple[Tensor, Tensor]:
        """A caption for each scene: token ids (n, 32) and attribute numbers (n, 6), -1 if silent."""
        rng = self._rng
        captions = [full_caption(s) if rng.random() < 0.3 else random_caption(s, rng) for s in scenes]
        new = sorted({caption.text for caption in captions} - self._known.keys())
        if new:
            self._known.update(zip(new, token_ids(self._processor, new), strict=True))
        numbers = [numbers_of(scene, caption) for scene, caption in zip(scenes, captions, strict=True)]
        return torch.stack([self._known[caption.text] for caption in captions]), torch.tensor(numbers)


def train(model: SiglipModel, processor: SiglipProcessor, pool: Pool, budget_s: float, seed: int) -> None:
    """Train in place for `budget_s` seconds, and print how it goes."""
    rng = random.Random(seed)
    write_captions = CaptionWriter(processor, rng)
    check = held_out_scenes(100, seed + 1)
    check_ids = token_ids(processor, [full_caption(scene).text for scene in check])
    check_pictures = torch.from_numpy(np.stack([squash(render_frame(s, rng)) for s in check]))
    width = model.config.vision_config.hidden_size
    heads = nn.ModuleDict({field: nn.Linear(width, len(VALUES[field])) for field in FIELDS})
    parameters = [*model.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.02},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )
    groups, size = len(pool.scenes) // GROUP, range(GROUP)
    started_s, step = time.monotonic(), 0
    while (used := (time.monotonic() - started_s) / budget_s) < 1:
        for part in optimizer.param_groups:
            warm = min(1.0, (step + 1) / WARM_UP_STEPS)
            part["lr"] = 1e-3 * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * used)))
        chosen = [group * GROUP + member for group in rng.sample(range(groups), GROUPS_IN_BATCH) for member in size]
        pictures, numbers = pixel_values(pool.pictures[chosen]), pool.numbers[chosen]
        if step < PICTURES_ONLY_STEPS:
            named = head_losses(heads, model.vision_model(pixel_values=pictures).pooler_output, numbers)
            loss = named.sum()
        else:
            ids, of_captions = write_captions([pool.scenes[i] for i in chosen])
            out = model(input_ids=ids, pixel_values=pictures)
            named = head_losses(heads, out.vision_model_output.pooler_output, numbers)
            loss = sigmoid_loss(out.logits_per_text, of_captions, numbers) + named.sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            model.eval()
            score = recall_at_1(model, check_ids, check_pictures)
            model.train()
            by_head = " ".join(f"{f} {v:.2f}" for f, v in zip(FIELDS, named.tolist(), strict=True))
            print(
                f"step {step}, {used * budget_s:.0f} s, loss {loss.item():.2f}, R@1 {score:.2f}, {by_head}", flush=True
            )


def main() -> None:
    """Draw, train and save one checkpoint."""
    parser = argparse.ArgumentParser(description="Train a toy SigLIP on drawn scenes.")
    parser.add_argument("out", type=Path, help="folder of the checkpoint")
    parser.add_argument("--budget-s", type=float, default=1800.0, help="seconds of training")
    parser.add_argument("--groups", type=int, default=6000, help="groups of 4 pictures to draw")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    # More threads are slower when the cores are shared (twenty times, measured).
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    pool = draw_pool(args.groups, rng)
    processor = make_processor(rng)
    model = make_model(processor.tokenizer.vocab_size)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    model.train()
    train(model, processor, pool, args.budget_s, args.seed)
    model.eval()
    model.save_pretrained(args.out)
    processor.save_pretrained(args.out)
    # safetensors writes it readable by its owner only.
    (args.out / "model.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
