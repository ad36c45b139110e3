"""The boundary to the models that see and write: whatever runs them, no library's type crosses it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from actors.model_batches import BatchFill
from footage.errors import SettingsError
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption


class VisionLanguageModel(Protocol):
    """A model that tells what pictures show, and that goes on from a text.

    What it is asked, how many frames it sees and how much it may write come from CaptionSettings, at construction. An
    answer that its limit of tokens cut off ends with its last whole sentence, or with its last word and "…". The same
    call gives the same answers, as far as the server of `http` does.

    Raises:
        ModelUnavailable: (both calls) the server is down, refuses the key or does not know the model, after retries.
    """

    fill: BatchFill
    """Of the batches that the model ran; empty where a server makes them."""

    def caption(self, scenes: Sequence[SceneToCaption]) -> list[str]:
        """A caption for each scene, in their order.

        "" where this scene cannot be captioned (none of its pictures decodes, the server refuses just it, its prompt
        is too long even without what is said): a warning names the scene.
        """
        ...

    def complete(self, prompts: Sequence[str]) -> list[str | None]:
        """What the language model answers to each prompt, text only, in their order.

        None where the prompt is too long for the model: nothing of it is cut away, and a shorter one may be answered.
        "" where the server refuses just this prompt, or nothing is answered.
        """
        ...

    def close(self) -> None:
        """Give the memory, the threads and the connections back; nothing may be asked afterwards."""
        ...


def open_vision_language_model(
    settings: CaptionSettings, folder: Path | None, max_new_tokens: int | None = None
) -> VisionLanguageModel:
    """The adapter that the settings choose, loaded.

    Args:
        settings: of the captions; `adapter` must not be "off".
        folder: of the model (PreparedModels.caption_folder); None for `http`, or to look it up.
        max_new_tokens: instead of the settings', for texts of another length than a caption.

    Raises:
        ModelMissing: the model is not on this machine, or lacks files.
        SettingsError: the settings ask for what the adapter cannot do.
    """
    if max_new_tokens is not None:
        settings = settings.model_copy(update={"max_new_tokens": max_new_tokens})
    # Each adapter needs other libraries, and the environment of `chat` lacks what `native` needs.
    if settings.adapter == "native":
        from actors.native_captioner import NativeCaptioner

        return NativeCaptioner(settings, folder)
    if settings.adapter == "http":
        from actors.http_captioner import HttpCaptioner

        return HttpCaptioner(settings)
    if settings.adapter == "chat":
        from actors.chat_captioner import ChatCaptioner

        return ChatCaptioner(settings, folder)
    raise SettingsError("captions.adapter is off, so there is no model to ask; set it to native, http or chat.")
