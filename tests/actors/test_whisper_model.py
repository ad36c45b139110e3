import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from actors.whisper_model import open_whisper
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import SpeechSettings
from footage.settings import Settings
from tests.tiny_whisper import make_whisper


@pytest.mark.parametrize("stored", ["float16", "int8", "int8_float16"])
def test_models_stored_in_other_types_load(tmp_path: Path, stored: str) -> None:
    folder = make_whisper(tmp_path / "model", stored)
    for compute_type in ("int8", "float32"):
        model = open_whisper(SpeechSettings(model=str(folder), compute_type=compute_type))
        assert model.model.is_multilingual
        assert model.model.compute_type.startswith(compute_type)
        assert model.detect_language(audio=np.zeros(16_000, np.float32))[0] in model.supported_languages


def test_what_was_loaded_is_logged(whisper: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        open_whisper(SpeechSettings(model=str(whisper), compute_type="float32"))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "actors.model_log"]
    assert line.startswith("Loaded speech model tiny at sha256:")
    assert ": cpu, float32, " in line


@pytest.mark.parametrize("compute_type", ["float16", "int8_float16"])
def test_arithmetic_that_a_cpu_lacks_is_refused(whisper: Path, compute_type: str) -> None:
    with pytest.raises(SettingsError, match=rf"compute_type is {compute_type}, .* cpu .* can in .*float32, int8"):
        open_whisper(SpeechSettings(model=str(whisper), compute_type=compute_type))


def test_a_missing_gpu_is_said(whisper: Path) -> None:
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        assert open_whisper(SpeechSettings(model=str(whisper), device="cuda")).model.device == "cuda"
    else:
        with pytest.raises(SettingsError, match=r"shows no CUDA device; set it to cpu"):
            open_whisper(SpeechSettings(model=str(whisper), device="cuda"))


@pytest.mark.parametrize("language", ["english", "xx", "yue"])  # the tiny model has no token for Cantonese
def test_a_language_that_the_model_does_not_know_is_refused(whisper: Path, language: str) -> None:
    with pytest.raises(SettingsError, match=rf"speech.language is {language}, which the speech model .* does not know"):
        open_whisper(SpeechSettings(model=str(whisper), language=language))


def test_an_english_model_hears_english_only(offline: Settings) -> None:
    with pytest.raises(SettingsError, match=r"speech.language is ko, but the speech model .* knows English only"):
        open_whisper(offline.speech.model_copy(update={"language": "ko"}))


def test_a_model_without_its_tokenizer_is_missing(tmp_path: Path, whisper: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whisper, folder, ignore=shutil.ignore_patterns("tokenizer.json"))
    with pytest.raises(ModelMissing, match=r"has no tokenizer.json"):
        open_whisper(SpeechSettings(model=str(folder)))


def test_a_model_of_128_bands_without_its_preprocessor_is_missing(tmp_path: Path) -> None:
    folder = make_whisper(tmp_path / "model", mel_bands=128)
    open_whisper(SpeechSettings(model=str(folder)))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelMissing, match=r"has no preprocessor_config.json"):
        open_whisper(SpeechSettings(model=str(folder)))
