"""Captions by the code that comes with a model: MiniCPM-V 2.6 and its `.chat`.

That code does not run with footage's own transformers, so this adapter lives in an environment of its own
(CHAT_ENVIRONMENT); nothing here, nor in what it imports, needs a newer one.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.caption_prompt import answer_text, caption_prompt, evenly_chosen, harmless, shortened
from actors.model_batches import BatchFill, in_batches, release_memory
from actors.model_log import log_loaded
from actors.scene_pictures import pictures_of
from actors.torch_runtime import loaded_revision, set_up_torch, torch_device
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import CaptionSettings
from footage.models import CONFIG, is_hub_name, model_name, resolve_model
from footage.records import SceneToCaption

LOG = logging.getLogger(__name__)

# What pip puts before footage's own packages (torch 2.14, torchvision, Pillow, numpy, accelerate, which stay) in the
# environment of this actor: the `pip` of Ray's runtime_env. With these the adapter was run on Python 3.11. Packages
# that want a newer huggingface_hub (datasets, sentence-transformers) are broken by them; this actor imports none.
CHAT_ENVIRONMENT: tuple[str, ...] = (
    # The newest that runs the code of 2.6; it brings tokenizers 0.21 and huggingface_hub 0.36. From 4.52 on:
    # 'Resampler' object has no attribute '_initialize_weights' (huggingface/transformers#39124).
    "transformers==4.51.3",
    "bitsandbytes==0.50.2",  # weights of 4 bits, on a GPU
)
WORKS_WITH = ((4, 40), (4, 51))  # transformers: from the model card's pin to the newest that works

# The model card's advice for frames of a video: https://huggingface.co/openbmb/MiniCPM-V-2_6, "Chat with video".
VIDEO_OPTIONS: Mapping[str, Any] = {"use_image_id": False, "max_slice_nums": 2}
TOKENS_PER_PICTURE = 200  # the picture and 2 slices of 64 tokens each (`query_num`), with their marks
MARKS_TOKENS = 32  # of the chat template: roles, starts and ends
# An answer is decoded and stripped when it comes, and may take up fewer tokens than were written.
NEARLY = 2


@dataclass(frozen=True, slots=True)
class _Question:
    asker: str
    text: str
    images: tuple[Any, ...]  # PIL.Image.Image


class ChatCaptioner:
    """A model run by its own `.chat`, one question at a time; a VisionLanguageModel.

    Its code runs with all rights of this process: the revision must be pinned, and code from other repositories is
    refused. Answers are those of a beam search (its `sampling=False`), so nothing is random.

    Args:
        settings: of the captions. `dtype` and `int4` count on a GPU only; a CPU calculates with float32.
        folder: of the model; None looks it up.

    Raises:
        ModelMissing: the folder lacks files or weights, or the environment packages that the code needs.
        SettingsError: a hub model without a revision, or 4-bit weights on a CPU.
    """

    def __init__(self, settings: CaptionSettings, folder: Path | None = None) -> None:
        if is_hub_name(settings.model) and not settings.revision:
            raise SettingsError(
                f"captions.revision is not set: the adapter `chat` runs code that comes with {settings.model}, so it "
                "takes only a commit that you have chosen."
            )
        folder = folder or resolve_model(settings)
        config = json.loads((folder / CONFIG).read_text())
        _check(settings, folder, config)
        set_up_torch()
        import transformers

        version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
        if not WORKS_WITH[0] <= version <= WORKS_WITH[1]:
            LOG.warning(
                "The adapter `chat` runs with transformers %s; the code of MiniCPM-V 2.6 needs 4.40 to 4.51.",
                transformers.__version__,
            )
        started = time.monotonic()
        self._settings = settings
        self.fill = BatchFill()
        self._tokenizer, self._model = _load(settings, folder, config)
        log_loaded(
            "caption model",
            model_name(settings),
            str(self._model.device),
            "int4" if settings.int4 else str(self._model.dtype),
            loaded_revision(settings, folder),
            time.monotonic() - started,
        )

    def caption(self, scenes: Sequence[SceneToCaption]) -> list[str]:
        """See VisionLanguageModel."""
        asked: dict[str, _Question] = {}
        for scene in scenes:
            images = [picture.image for picture in pictures_of(scene, self._settings.frames_per_scene)]
            if images and (question := self._fitted(scene, images)) is not None:
                asked[scene.scene_id] = question
        captions = dict(zip(asked, self._answers(list(asked.values())), strict=True))
        return [captions.get(scene.scene_id, "") for scene in scenes]

    def complete(self, prompts: Sequence[str]) -> list[str | None]:
        """See VisionLanguageModel. Too long is a prompt of more than max_prompt_tokens tokens."""
        most = self._settings.max_prompt_tokens - MARKS_TOKENS
        asked = {
            position: _Question("prompt", text, ())
            for position, text in enumerate(map(harmless, prompts))
            if self._tokens(text) <= most
        }
        answers = dict(zip(asked, self._answers(list(asked.values())), strict=True))
        return [answers.get(position) for position in range(len(prompts))]

    def close(self) -> None:
        """See VisionLanguageModel."""
        del self._model, self._tokenizer
        release_memory()

    def _answers(self, questions: Sequence[_Question]) -> list[str]:
        # Its batches would be padded by the largest picture, and nothing is gained by them on a CPU.
        return in_batches(questions, 1, lambda batch: [self._answer(batch[0])], self.fill, "The caption model")

    def _answer(self, question: _Question) -> str:
        answer = self._model.chat(
            image=None,
            msgs=[{"role": "user", "content": [*question.images, question.text]}],
            tokenizer=self._tokenizer,
            sampling=False,
            max_new_tokens=self._settings.max_new_tokens,
            **VIDEO_OPTIONS,
        )
        return answer_text(answer, cut_off=self._tokens(answer) >= self._settings.max_new_tokens - NEARLY)

    def _fitted(self, scene: SceneToCaption, images: list[Any]) -> _Question | None:
        """The question within max_prompt_tokens: it loses what is said first, then pictures; None where too long still.

        `.chat` itself would cut off the end of the prompt, and with it marks of pictures that it then looks for.
        """
        said = scene.transcript
        while True:
            text = caption_prompt(self._settings, said)
            excess = self._tokens(text) + len(images) * TOKENS_PER_PICTURE + MARKS_TOKENS
            excess -= self._settings.max_prompt_tokens
            if excess <= 0:
                return _Question(f"scene {scene.scene_id}", text, tuple(images))
            if said:
                kept = shortened(said, self._settings.transcript_chars)
                tokens = max(1, self._tokens(kept))
                said = shortened(kept, min(len(kept) * max(0, tokens - excess) // tokens, len(said) - 1))
            elif len(images) > 1:
                images = evenly_chosen(images, len(images) - 1)
            else:
                LOG.warning(
                    "The shortest prompt for scene %s is %d tokens longer than captions.max_prompt_tokens (%d), so it "
                    "gets no answer; raise that setting, or shorten captions.prompt.",
                    scene.scene_id,
                    excess,
                    self._settings.max_prompt_tokens,
                )
                return None

    def _tokens(self, text: str) -> int:
        return len(self._tokenizer(text)["input_ids"])


def _check(settings: CaptionSettings, folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse what cannot work, before anything is loaded or run."""
    classes = config.get("auto_map") or {}
    if "AutoModel" not in classes:
        raise ModelMissing(
            f"The caption model in {folder} brings no code of its own (auto_map in {CONFIG}); set captions.adapter to "
            "native, or take MiniCPM-V 2.6."
        )
    foreign = [str(name) for name in classes.values() if "--" in str(name)]
    if foreign:
        raise SettingsError(
            f"The caption model in {folder} takes code from another repository ({foreign[0]}), which captions.revision "
            "does not pin; take a model that brings its own."
        )
    if settings.device != "cuda" and (settings.int4 or "quantization_config" in config):
        raise SettingsError(
            f"Weights of 4 bits need a GPU, but captions.device is {settings.device}: set it to cuda, or set "
            "captions.int4 to false and captions.model to openbmb/MiniCPM-V-2_6."
        )


def _load(settings: CaptionSettings, folder: Path, config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Tokenizer and model. The folder's code is imported here."""
    import torch
    from transformers import AutoModel, AutoTokenizer, BitsAndBytesConfig

    on_card = settings.device == "cuda"
    dtype = getattr(torch, settings.dtype) if on_card else torch.float32
    options: dict[str, Any] = {}
    if settings.int4 and "quantization_config" not in config:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",  # as in openbmb/MiniCPM-V-2_6-int4: nf4, twice quantised
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=["vpm", "resampler", "lm_head"],  # its attention reads their weights directly
        )
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=True, local_files_only=True)
        model, loaded = AutoModel.from_pretrained(
            str(folder),
            trust_remote_code=True,
            local_files_only=True,
            torch_dtype=dtype,
            attn_implementation="sdpa",  # the model card: no eager
            device_map={"": torch_device(settings)}
            if on_card
            else None,  # quantised weights cannot be moved afterwards
            output_loading_info=True,
            **options,
        )
    except (OSError, ImportError) as error:
        raise ModelMissing(
            f"The caption model in {folder} or the code that it brings cannot be loaded: {error}. Fetch all its files; "
            "a package that it lacks belongs into the environment of the adapter `chat`."
        ) from error
    if loaded["missing_keys"]:
        # transformers would go on with random weights.
        raise ModelMissing(
            f"The caption model in {folder} lacks {len(loaded['missing_keys'])} weights of its architecture, such as "
            f"{min(loaded['missing_keys'])}; fetch it again, all files."
        )
    return tokenizer, model.eval()
