from pathlib import Path

import pytest

from footage.errors import SettingsError
from footage.settings import PROFILES, load_settings

SECRET = "sk-not-to-be-shown"


@pytest.mark.parametrize("profile", sorted(file.stem for file in PROFILES.glob("*.yaml")))
def test_every_profile_fits_together(profile: str) -> None:
    assert load_settings(profile).profile == profile


def test_shares_of_the_gpu_profile_add_up_to_one_card_and_every_model_runs_on_it() -> None:
    settings = load_settings("gpu")
    pipeline = settings.pipeline
    shares = (pipeline.speech_num_gpus, pipeline.text_num_gpus, pipeline.frames_num_gpus, pipeline.captions_num_gpus)
    assert (sum(shares), pipeline.summaries_num_gpus) == (1.0, 0.5)
    devices = {settings.speech.device, settings.text.device, settings.frames.device, settings.captions.device}
    assert devices == {"cuda"}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"CAPTIONS__ADAPTER": "http"},
            "The setting captions.adapter is http, but captions.endpoint.url is not set:",
        ),
        (
            {"CAPTIONS__ADAPTER": "http", "CAPTIONS__ENDPOINT__URL": "localhost:8000"},
            "The setting captions.endpoint.url is no address of a server:",
        ),
        (
            {"CAPTIONS__ADAPTER": "http", "CAPTIONS__ENDPOINT__URL": "https://host/v1?api-key=SECRET"},
            "The setting captions.endpoint.url is no base URL: https://host/v1 is followed by a query",
        ),
        (
            {"SUMMARIES__ADAPTER": "http", "SUMMARIES__ENDPOINT__URL": "https://me:SECRET@host/v1?k=SECRET"},
            "The setting summaries.endpoint.url holds a user name or a password; put the key into summaries.endpoint.a",
        ),
        (
            {"SUMMARIES__ADAPTER": "http"},
            "The setting summaries.adapter is http, but summaries.endpoint.url is not set:",
        ),
        (
            {"SUMMARIES__ADAPTER": "http", "SUMMARIES__ENDPOINT__URL": "http://127.0.0.1:1/v1"},
            "The setting summaries.adapter is http: set summaries.model",
        ),
        (
            {"CAPTIONS__ADAPTER": "chat", "SUMMARIES__ADAPTER": "off"},
            "The setting captions.adapter is chat, which runs code of openbmb/MiniCPM-V-4.6: set captions.revision",
        ),
        (
            {
                "CAPTIONS__ADAPTER": "chat",
                "CAPTIONS__MODEL": "someone/remote-code",
                "CAPTIONS__REVISION": "main",
                "SUMMARIES__ADAPTER": "off",
            },
            "The setting captions.adapter is chat, which runs code of someone/remote-code: set captions.revision",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_a_sentence(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FOOTAGE_{name}", value)
    with pytest.raises(SettingsError) as raised:
        load_settings("cpu")
    assert str(raised.value).startswith(sentence)
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    "variables",
    [
        {"CAPTIONS__ADAPTER": "off", "SUMMARIES__ADAPTER": "off"},
        {"CAPTIONS__ADAPTER": "http", "CAPTIONS__ENDPOINT__URL": "http://127.0.0.1:8000/v1"},
        {"CAPTIONS__ADAPTER": "chat", "CAPTIONS__REVISION": "0" * 40, "SUMMARIES__ADAPTER": "off"},
        {"CAPTIONS__ADAPTER": "chat", "CAPTIONS__MODEL": "./remote", "SUMMARIES__ADAPTER": "off"},
    ],
)
def test_settings_that_fit_together_load(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FOOTAGE_{name}", value)
    assert load_settings("cpu").captions.adapter == variables["CAPTIONS__ADAPTER"]


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ENDPOINT__API_KEY", SECRET)
    settings = load_settings("offline")
    assert settings.captions.endpoint.api_key is not None
    assert settings.captions.endpoint.api_key.get_secret_value() == SECRET
    shown = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())]
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ENDPOINT__CONCURRENCY", "none")
    with pytest.raises(SettingsError) as raised:
        load_settings("offline")
    assert [text for text in [*shown, str(raised.value)] if SECRET in text] == []
