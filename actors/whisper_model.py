"""Loads a Whisper model, or says in a sentence why it cannot be had."""

import time
from pathlib import Path
from typing import Any

from actors.model_log import log_loaded
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import SpeechSettings
from footage.models import model_name, model_version, resolve_model


def open_whisper(settings: SpeechSettings) -> Any:
    """A faster_whisper.WhisperModel that is whole, and that can do what the settings ask.

    Raises:
        ModelMissing: the model is not on this machine, or lacks its tokenizer or its preprocessor's settings.
        SettingsError: this machine lacks the device or cannot compute in that type on it, or the model does not know
            the language.
    """
    folder = resolve_model(settings)
    if not (folder / "tokenizer.json").is_file():
        # faster-whisper would fetch one from the hub.
        raise _incomplete(settings, folder, "tokenizer.json")
    _check_arithmetic(settings)
    from faster_whisper import WhisperModel

    begun = time.monotonic()
    model = WhisperModel(
        str(folder),
        device=settings.device,
        compute_type=settings.compute_type,
        cpu_threads=settings.cpu_threads,
        num_workers=1,
        local_files_only=True,
    )
    seconds = time.monotonic() - begun
    if len(model.feature_extractor.mel_filters) != model.model.n_mels:
        # Without the file 80 bands are taken; large-v3 has 128, and would fail at the first sound.
        raise _incomplete(settings, folder, "preprocessor_config.json")
    _check_language(settings, model)
    device = settings.device if settings.device == "cpu" else f"{settings.device}:{model.model.device_index[0]}"
    log_loaded("speech model", model_name(settings), device, model.model.compute_type, model_version(settings), seconds)
    return model


def _incomplete(settings: SpeechSettings, folder: Path, file: str) -> ModelMissing:
    return ModelMissing(
        f"The speech model {settings.model} in {folder} has no {file} that fits it; take a model converted with it "
        f"(ct2-transformers-converter --copy_files {file}), or use `--profile offline`."
    )


def _check_arithmetic(settings: SpeechSettings) -> None:
    """Refuses what CTranslate2 would refuse, before the weights are read."""
    import ctranslate2

    if settings.device == "cuda" and ctranslate2.get_cuda_device_count() == 0:
        raise SettingsError(
            "speech.device is cuda, but this machine shows no CUDA device; set it to cpu, or use `--profile cpu`."
        )
    able = ctranslate2.get_supported_compute_types(settings.device)
    if settings.compute_type not in able:
        raise SettingsError(
            f"speech.compute_type is {settings.compute_type}, which this {settings.device} cannot compute in; it can"
            f" in {', '.join(sorted(able))} (int8 is the smallest and, on a CPU, the fastest)."
        )


def _check_language(settings: SpeechSettings, model: Any) -> None:
    language = settings.language
    if language is None or (language == "en" and not model.model.is_multilingual):
        return
    if not model.model.is_multilingual:
        # faster-whisper would hear English instead.
        raise SettingsError(
            f"speech.language is {language}, but the speech model {settings.model} knows English only; take a "
            f"multilingual one, or leave the language out."
        )
    if language not in model.supported_languages or model.hf_tokenizer.token_to_id(f"<|{language}|>") is None:
        raise SettingsError(
            f"speech.language is {language}, which the speech model {settings.model} does not know; it takes codes of "
            f"ISO 639-1, such as en, ko or de."
        )
