import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from actors.chat_captioner import ChatCaptioner
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption
from tests.pictures import jpeg
from tests.tiny_chat_model import make_chat_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_chat_model(tmp_path / "tiny_chat")


def settings(folder: Path, **changes: Any) -> CaptionSettings:
    return CaptionSettings.model_validate({"adapter": "chat", "model": str(folder)} | changes)


def test_the_models_own_code_answers(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        model = ChatCaptioner(settings(folder), folder)
    scenes = [
        SceneToCaption("a", (jpeg("red"), jpeg("blue")), ""),
        SceneToCaption("b", (jpeg("pink"),), "it is cold"),
        SceneToCaption("c", (), "it is cold"),
    ]
    assert model.caption(scenes) == [
        "The picture is red, then blue.",
        'The picture is pink. Somebody says "it is cold"',
        "",
    ]
    assert model.complete(["Hello."]) == ["You said: Hello."]
    assert [line.rpartition(",")[0] for line in caplog.messages if line.startswith("Loaded")] == [
        "Loaded caption model tiny_chat: cpu, float32"
    ]


def test_a_long_prompt_loses_words_then_pictures(folder: Path) -> None:
    # A letter is a token here, and a picture counts as 200.
    chosen = {"prompt": "What?{said}", "said": " somebody says: {transcript}", "max_new_tokens": 2000}
    heard = "one two three four five six seven eight nine ten " * 20
    frames = (jpeg("red"), jpeg("green"), jpeg("blue"))

    def caption(most: int) -> str:
        model = ChatCaptioner(settings(folder, max_prompt_tokens=most, transcript_chars=10_000, **chosen), folder)
        return model.caption([SceneToCaption("a", frames, heard)])[0]

    assert caption(5000).endswith(heard.strip())
    assert caption(720).startswith("The picture is red, then green, then blue. Somebody says one two three")
    assert caption(720).endswith("…")
    assert caption(650) == "The picture is red, then green, then blue."
    assert caption(450) == "The picture is red, then blue."
    assert caption(250) == "The picture is blue."
    assert caption(200) == ""


def test_a_text_that_is_too_long_gets_no_answer_and_loses_nothing(folder: Path) -> None:
    # 32 tokens are kept for the marks of the chat template.
    model = ChatCaptioner(settings(folder, max_prompt_tokens=132), folder)
    assert model.complete(["a" * 101, "b" * 100, "c"]) == [None, f"You said: {'b' * 100}", "You said: c"]


def test_a_hub_model_needs_a_pinned_revision() -> None:
    with pytest.raises(
        SettingsError, match=r"captions.revision is not set: .* code that comes with openbmb/MiniCPM-V-2_6"
    ):
        ChatCaptioner(CaptionSettings(adapter="chat", model="openbmb/MiniCPM-V-2_6"))


def test_four_bits_need_a_gpu(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"Weights of 4 bits need a GPU, but captions.device is cpu"):
        ChatCaptioner(settings(folder, int4=True), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(SettingsError, match=r"Weights of 4 bits need a GPU"):
        ChatCaptioner(settings(folder), folder)


def test_code_of_another_repository_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"]["AutoModel"] = "someone/else--modeling.Model"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SettingsError, match=r"code from another repository \(someone/else--modeling.Model\)"):
        ChatCaptioner(settings(folder), folder)


def test_a_model_without_code_is_for_another_adapter(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "minicpmv4_6"}))
    with pytest.raises(ModelMissing, match=r"brings no code of its own .* set captions.adapter to native"):
        ChatCaptioner(settings(folder), folder)


def test_code_that_wants_a_missing_package(folder: Path) -> None:
    for code in folder.glob("*.py"):  # both: a process keeps a class that it has once imported
        code.write_text("import package_that_nobody_has\n" + code.read_text())
    with pytest.raises(ModelMissing, match=r"package_that_nobody_has"):
        ChatCaptioner(settings(folder), folder)


def test_a_checkpoint_that_lacks_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    save_file({"other": torch.zeros(1)}, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelMissing, match=r"lacks 1 weights of its architecture, such as colours.weight"):
        ChatCaptioner(settings(broken), broken)
