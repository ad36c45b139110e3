"""Questions to a vision-language model of transformers as the tensors that it takes, within a number of tokens."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from actors.caption_prompt import caption_prompt, evenly_chosen, shortened
from actors.scene_pictures import Picture
from footage.model_settings import CaptionSettings

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked once. With pictures `text` is what is said in their scene, without it is the whole prompt."""

    asker: str  # for the log, such as "scene 3f2a" or "prompt 2"
    text: str
    pictures: tuple[Picture, ...] = ()


class VisionPrompts:
    """Makes a model's inputs of questions, by its processor and chat template.

    Args:
        settings: of the captions: the prompt and its most tokens.
        processor: the model's AutoProcessor.
    """

    def __init__(self, settings: CaptionSettings, processor: Any) -> None:
        self._settings = settings
        self._processor = processor

    def inputs(self, questions: Sequence[Question]) -> Any:
        """A BatchFeature: token ids and mask (questions, tokens), padded on the left, and pixels.

        Args:
            questions: at least one; all have pictures, or none has.
        """
        prompts = self._processor.apply_chat_template(
            [self._messages(question) for question in questions], add_generation_prompt=True, tokenize=False
        )
        images = [[picture.image for picture in question.pictures] for question in questions]
        return self._processor(
            text=prompts,
            images=images if images[0] else None,
            padding=True,
            padding_side="left",  # what is written goes on from the right
            return_tensors="pt",
        )

    def fitted(self, question: Question) -> Question | None:
        """The question within max_prompt_tokens; None where that cannot be.

        One with pictures loses the end of what is said first, then pictures; a warning says that even the shortest is
        too long. Tokens of a picture are never cut, since the model counts them. One without pictures is never cut:
        who asks it knows better what to leave out.
        """
        most = self._settings.max_prompt_tokens
        while (length := self.inputs([question])["input_ids"].shape[1]) > most:
            if not question.pictures:
                return None
            if question.text:
                tokens = len(self._processor.tokenizer(question.text)["input_ids"])
                # In proportion; what then still is too much goes in the next round.
                most_chars = len(question.text) * max(0, tokens - (length - most)) // tokens
                question = replace(question, text=shortened(question.text, min(most_chars, len(question.text) - 1)))
            elif len(question.pictures) > 1:
                fewer = evenly_chosen(question.pictures, len(question.pictures) - 1)
                question = replace(question, pictures=tuple(fewer))
            else:
                LOG.warning(
                    "The shortest prompt for %s has %d tokens, more than captions.max_prompt_tokens (%d), so it gets "
                    "no answer; raise that setting, or shorten captions.prompt.",
                    question.asker,
                    length,
                    most,
                )
                return None
        return question

    def _messages(self, question: Question) -> list[dict[str, Any]]:
        text = caption_prompt(self._settings, question.text) if question.pictures else question.text
        shown: list[dict[str, str]] = [{"type": "image"} for _ in question.pictures]
        return [{"role": "user", "content": [*shown, {"type": "text", "text": text}]}]
