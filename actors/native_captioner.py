"""Captions by transformers' own classes: MiniCPM-V 4.6 and newer."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actors.caption_prompt import answer_text, harmless
from actors.model_batches import BatchFill, in_batches, release_memory
from actors.model_log import log_loaded
from actors.scene_pictures import pictures_of
from actors.torch_runtime import loaded_revision, set_up_torch, torch_device
from actors.vision_prompts import Question, VisionPrompts
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import CaptionSettings
from footage.models import model_name, resolve_model
from footage.records import SceneToCaption


class NativeCaptioner:
    """A vision-language model run by AutoProcessor and AutoModelForImageTextToText, in batches; a VisionLanguageModel.

    Answers are greedy: nothing is sampled.

    Args:
        settings: of the captions. `dtype` counts on a GPU only; a CPU calculates with float32.
        folder: of the model; None looks it up.

    Raises:
        ModelMissing: the folder lacks weights or the files of the processor.
        SettingsError: `int4` is set, which only `chat` can do.
    """

    def __init__(self, settings: CaptionSettings, folder: Path | None = None) -> None:
        if settings.int4:
            raise SettingsError("captions.int4 is for the adapter `chat` on a GPU; unset it, or set captions.adapter.")
        folder = folder or resolve_model(settings)
        set_up_torch()
        import torch

        started = time.monotonic()
        self._settings = settings
        self.fill = BatchFill()
        self._processor = _processor(folder)
        self._prompts = VisionPrompts(settings, self._processor)
        dtype = getattr(torch, settings.dtype) if settings.device == "cuda" else torch.float32
        self._model = _model(folder, dtype).to(torch_device(settings)).eval()
        ends = self._model.generation_config.eos_token_id or self._processor.tokenizer.eos_token_id
        self._end_ids = frozenset([ends] if isinstance(ends, int) else ends)
        log_loaded(
            "caption model",
            model_name(settings),
            str(self._model.device),
            str(self._model.dtype),
            loaded_revision(settings, folder),
            time.monotonic() - started,
        )

    def caption(self, scenes: Sequence[SceneToCaption]) -> list[str]:
        """See VisionLanguageModel."""
        asked: dict[str, Question] = {}
        for scene in scenes:
            pictures = pictures_of(scene, self._settings.frames_per_scene)
            if pictures:
                asked[scene.scene_id] = Question(f"scene {scene.scene_id}", scene.transcript, tuple(pictures))
        captions = dict(zip(asked, self._answers(list(asked.values())), strict=True))
        return [captions.get(scene.scene_id) or "" for scene in scenes]

    def complete(self, prompts: Sequence[str]) -> list[str | None]:
        """See VisionLanguageModel. Too long is a prompt of more than max_prompt_tokens tokens."""
        return self._answers([Question(f"prompt {i}", harmless(prompt)) for i, prompt in enumerate(prompts)])

    def close(self) -> None:
        """See VisionLanguageModel."""
        del self._model, self._processor, self._prompts
        release_memory()

    def _answers(self, questions: Sequence[Question]) -> list[str | None]:
        """None for a question that is too long."""
        return in_batches(questions, self._settings.batch_size, self._answer_batch, self.fill, "The caption model")

    def _answer_batch(self, batch: Sequence[Question]) -> list[str | None]:
        inputs = self._prompts.inputs(batch)
        if inputs["input_ids"].shape[1] <= self._settings.max_prompt_tokens:
            return [*self._generate(inputs)]
        fitted = {index: fits for index, asked in enumerate(batch) if (fits := self._prompts.fitted(asked)) is not None}
        if not fitted:
            return [None] * len(batch)
        answers = dict(zip(fitted, self._generate(self._prompts.inputs(list(fitted.values()))), strict=True))
        return [answers.get(index) for index in range(len(batch))]

    def _generate(self, inputs: Any) -> list[str]:
        """One pass through the model."""
        import torch

        inputs = inputs.to(self._model.device, dtype=self._model.dtype)
        tokenizer = self._processor.tokenizer
        with torch.inference_mode():
            generated = self._model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=self._settings.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
        written = generated[:, inputs["input_ids"].shape[1] :].tolist()
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        return [
            answer_text(text, cut_off=self._end_ids.isdisjoint(token_ids))
            for text, token_ids in zip(texts, written, strict=True)
        ]


def _processor(folder: Path) -> Any:
    from transformers import AutoProcessor

    try:
        processor: Any = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelMissing(f"The caption model in {folder} has no usable processor; fetch all its files.") from error
    if not hasattr(processor, "image_processor"):
        # AutoProcessor makes do with a tokenizer, which would drop the pictures in silence.
        raise ModelMissing(f"The caption model in {folder} lacks its image processor; fetch it again, all files.")
    return processor


def _model(folder: Path, dtype: Any) -> Any:
    from transformers import AutoModelForImageTextToText

    try:
        model, loaded = AutoModelForImageTextToText.from_pretrained(
            str(folder), dtype=dtype, local_files_only=True, output_loading_info=True
        )
    except OSError as error:
        raise ModelMissing(f"The caption model in {folder} cannot be read ({error}); fetch all its files.") from error
    if loaded["missing_keys"]:
        # transformers would go on with random weights.
        raise ModelMissing(
            f"The caption model in {folder} lacks {len(loaded['missing_keys'])} weights of its architecture, "
            f"such as {min(loaded['missing_keys'])}; fetch it again, all files."
        )
    return model
