"""Trains a toy MiniCPM-V 4.6 on drawn scenes, on one CPU core: `python -m samples.train_toy_minicpm OUT`.

The result is a real MiniCPMV4_6ForConditionalGeneration with its processor (2.5 million parameters, not a billion),
which AutoModelForImageTextToText and AutoProcessor load without a network. It knows drawn scenes only.
"""

import argparse
import copy
import math
import random
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedTokenizerFast

from samples.captions import FIELDS
from samples.toy_minicpm_losses import Chats, Heads, caption_loss, description_loss, picture_features, picture_losses
from samples.toy_minicpm_parts import make_model, make_processor, make_tokenizer, whiten
from samples.toy_minicpm_pictures import FRAMES, Drawn, draw_pool, patches_of
from samples.toy_minicpm_texts import MAX_LINES
from samples.training_scenes import GROUP

PICTURES_IN_BATCH = 48
SEEING, WRITING = 0.35, 0.5  # shares of the budget of the first two stages
CAPTIONED = 0.25  # share of the second stage in which each step has captions
WARM_UP_STEPS = 50


class Trainer:
    """Trains in three stages: the tower names attributes, then the language model writes, then both together."""

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerFast, pool: list[Drawn], seed: int) -> None:
        """`pool`: of draw_pool()."""
        self._model = model
        self._chats = Chats(tokenizer)
        self._heads = Heads(model.config.text_config.hidden_size)
        self._pool = pool
        self._rng = random.Random(seed)
        self._groups: dict[int, list[int]] = {frames: [] for frames in FRAMES}
        for first in range(0, len(pool), GROUP):
            self._groups[len(pool[first].frames)].append(first)

    def learn_to_see(self, budget_s: float) -> None:
        """Tower and merger, by the heads alone."""
        model = self._model.model
        seeing = [*model.vision_tower.parameters(), *model.merger.parameters(), *self._heads.parameters()]

        def losses(used: float) -> dict[str, Tensor]:
            return dict(zip(FIELDS, picture_losses(self._model, self._heads, self._drawn(1)), strict=True))

        self._stage("see", seeing, losses, 1.5e-3, budget_s)

    def learn_to_write(self, budget_s: float) -> None:
        """The language model, by captions of what the tower sees as it is, and by descriptions.

        Captions are learned in 150 steps, descriptions in 1,500: soon most steps are descriptions alone.
        """
        steps = count()

        def losses(used: float) -> dict[str, Tensor]:
            most_lines = min(MAX_LINES, 2 + int(3 * used * MAX_LINES))
            found = {"description": description_loss(self._model, self._chats, most_lines, self._rng)}
            if next(steps) % 5 == 0 or used < CAPTIONED:
                found["caption"] = self._caption_loss(is_seeing=False)
            return found

        self._stage("write", list(self._model.model.language_model.parameters()), losses, 2e-3, budget_s)

    def learn_both(self, budget_s: float) -> None:
        """Everything at once."""

        def losses(used: float) -> dict[str, Tensor]:
            told = description_loss(self._model, self._chats, MAX_LINES, self._rng)
            return {"description": told, "caption": self._caption_loss(is_seeing=True)}

        self._stage("both", list(self._model.parameters()), losses, 5e-4, budget_s)

    def _drawn(self, frames: int) -> list[Drawn]:
        """Scenes of one batch, with `frames` key frames each."""
        groups = self._rng.sample(self._groups[frames], PICTURES_IN_BATCH // frames // GROUP)
        return [self._pool[first + member] for first in groups for member in range(GROUP)]

    def _caption_loss(self, is_seeing: bool) -> Tensor:
        drawn = self._drawn(self._rng.choices(tuple(FRAMES), tuple(FRAMES.values()))[0])
        with torch.set_grad_enabled(is_seeing):
            seen = picture_features(self._model, drawn)
        return caption_loss(self._model, self._chats, drawn, seen, self._rng)

    def _stage(
        self,
        name: str,
        parameters: list[nn.Parameter],
        losses: Callable[[float], dict[str, Tensor]],
        rate: float,
        budget_s: float,
    ) -> None:
        """Train `parameters` for `budget_s` CPU seconds, and print how it goes.

        `losses` is given the share of the budget that is used up.
        """
        optimizer = _optimizer(parameters)
        started_s, step = time.process_time(), 0
        log: list[dict[str, float]] = []
        while (used := (time.process_time() - started_s) / budget_s) < 1:
            for part in optimizer.param_groups:
                warm = min(1.0, (step + 1) / WARM_UP_STEPS)
                part["lr"] = rate * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * used)))
            found = losses(used)
            optimizer.zero_grad()
            torch.stack(list(found.values())).sum().backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            step += 1
            log.append({what: loss.item() for what, loss in found.items()})
            if step % 50 == 0:
                values = {what: [entry[what] for entry in log if what in entry] for what in {**log[0], **log[-1]}}
                means = ", ".join(f"{what} {np.mean(losses):.3f}" for what, losses in values.items())
                log.clear()
                print(f"{name}: step {step}, {used * budget_s:.0f} s, {means}", flush=True)


def _optimizer(parameters: list[nn.Parameter]) -> torch.optim.AdamW:
    """AdamW; vectors (norms and offsets) do not decay."""
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.02},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )


def save(model: Any, processor: Any, out: Path) -> None:
    """Save a checkpoint with weights in bfloat16, half the size, that loads as float32."""
    copy.deepcopy(model).eval().to(torch.bfloat16).save_pretrained(out)
    processor.save_pretrained(out)
    config = out / "config.json"
    config.write_text(config.read_text().replace('"dtype": "bfloat16"', '"dtype": "float32"'))
    # safetensors writes it readable by its owner only.
    (out / "model.safetensors").chmod(0o644)


def main() -> None:
    """Draw, train and save one checkpoint."""
    parser = argparse.ArgumentParser(description="Train a toy MiniCPM-V on drawn scenes.")
    parser.add_argument("out", type=Path, help="folder of the checkpoint")
    parser.add_argument("--budget-s", type=float, default=1500.0, help="CPU seconds of training")
    parser.add_argument("--groups", type=int, default=2500, help="groups of 4 scenes to draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--go-on", type=Path, help="a checkpoint to go on from; it has learned to see")
    args = parser.parse_args()
    # More threads are slower when the cores are shared (twenty times, measured).
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    if args.go_on:
        processor: Any = AutoProcessor.from_pretrained(args.go_on, local_files_only=True)
    else:
        processor = make_processor(make_tokenizer(rng))
    tokenizer = processor.tokenizer
    model: Any = make_model(tokenizer)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    pool = draw_pool(args.groups, rng)
    model.train()
    trainer = Trainer(model, tokenizer, pool, args.seed)
    writing = WRITING
    if args.go_on:
        learned = AutoModelForImageTextToText.from_pretrained(args.go_on, dtype=torch.float32, local_files_only=True)
        model.load_state_dict(learned.state_dict())
        writing += SEEING
    else:
        whiten(model, patches_of(pool[:1000]))
        trainer.learn_to_see(SEEING * args.budget_s)
    trainer.learn_to_write(writing * args.budget_s)
    save(model, processor, args.out)
    trainer.learn_both((1 - SEEING - WRITING) * args.budget_s)
    save(model, processor, args.out)


if __name__ == "__main__":
    main()
