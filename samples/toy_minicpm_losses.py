"""What the toy MiniCPM-V is trained to get right: attributes of pictures, captions, descriptions."""

import random
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from samples.captions import FIELDS
from samples.toy_minicpm_pictures import Drawn, packed, visual_tokens
from samples.toy_minicpm_texts import caption_of, caption_prompt, random_transcript, random_videos
from samples.training_scenes import VALUES, numbers_of

Chat = tuple[list[int], int]
"""Token ids of a question with its answer, and where the answer starts."""


class Heads(nn.Module):
    """Names each attribute from the visual tokens of one picture, while training only."""

    def __init__(self, width: int) -> None:
        """`width`: of a visual token."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.values = nn.ModuleList([nn.Linear(2 * width, len(VALUES[field])) for field in FIELDS])

    def forward(self, tokens: list[Tensor], numbers: Tensor) -> Tensor:
        """Cross entropy of each attribute, float32 (6,).

        From mean and maximum over the tokens: what is somewhere in the picture shows in the maximum. With attention
        in its place the colour of the shape was not learned in 250 steps, with this in 200.

        Args:
            tokens: of each picture, (visual tokens, width).
            numbers: int64 (pictures, 6), see numbers_of().
        """
        normed = [self.norm(one) for one in tokens]
        seen = torch.stack([torch.cat([one.mean(0), one.amax(0)]) for one in normed])
        return torch.stack([nn.functional.cross_entropy(v(seen), numbers[:, i]) for i, v in enumerate(self.values)])


class Chats:
    """Questions and answers as token ids, in the chat template's form."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        """`tokenizer`: of make_tokenizer()."""
        self._tokenizer: Any = tokenizer
        self.pad_id: int = self._tokenizer.pad_token_id

    def chat(self, question: str, answer: str, pictures: list[int]) -> Chat:
        """One chat; `pictures` are the numbers of visual tokens of those before the question."""
        t = self._tokenizer
        shown = "".join(f"{t.image_start_token}{t.image_token * tokens}{t.image_end_token}" for tokens in pictures)
        asked = t(f"<|im_start|>user\n{shown}{question}<|im_end|>\n<|im_start|>assistant\n").input_ids
        return [*asked, *t(answer).input_ids, t.eos_token_id], len(asked)


def answer_loss(model: Any, chats: list[Chat], pad_id: int, **pictures: Any) -> Tensor:
    """Mean cross entropy of the tokens of the answers."""
    longest = max(len(ids) for ids, _ in chats)
    ids = torch.full((len(chats), longest), pad_id)
    wanted = torch.full((len(chats), longest), -100)
    for row, (tokens, start) in enumerate(chats):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        wanted[row, start - 1 : len(tokens) - 1] = torch.tensor(tokens[start:])
    # Padding stands at the end, where nothing that counts can see it; so no mask is needed.
    hidden = model.model(input_ids=ids, use_cache=False, **pictures)[0]
    is_answer = wanted != -100
    return nn.functional.cross_entropy(model.lm_head(hidden[is_answer]), wanted[is_answer])


def picture_features(model: Any, drawn: list[Drawn]) -> Any:
    """What the tower sees in the frames; `pooler_output` is a list with the visual tokens of each."""
    pixels, sizes = packed([frame for one in drawn for frame in one.frames])
    return model.model.get_image_features(pixels, sizes)


def picture_losses(model: Any, heads: Heads, drawn: list[Drawn]) -> Tensor:
    """Cross entropy of naming each attribute of the frames: float32 (6,)."""
    numbers = torch.tensor([numbers_of(one.scene) for one in drawn for _ in one.frames])
    named: Tensor = heads(picture_features(model, drawn).pooler_output, numbers)
    return named


def caption_loss(model: Any, chats: Chats, drawn: list[Drawn], seen: Any, rng: random.Random) -> Tensor:
    """Loss of the scenes' captions; in a third of the batches the questions tell what is said, which changes nothing.

    `seen`: of picture_features().
    """
    batch, is_told = [], rng.random() < 0.33
    for one in drawn:
        transcript = random_transcript(rng) if is_told else ""
        tokens = [visual_tokens(frame) for frame in one.frames]
        batch.append(chats.chat(caption_prompt(transcript), caption_of(one.scene), tokens))
    return answer_loss(model, batch, chats.pad_id, mm_encoder_outputs={"image": seen})


def description_loss(model: Any, chats: Chats, most_lines: int, rng: random.Random) -> Tensor:
    """Loss of the descriptions of made-up videos of up to `most_lines` scenes."""
    batch = [chats.chat(asked, told, []) for asked, told in random_videos(rng, most_lines)]
    return answer_loss(model, batch, chats.pad_id)
