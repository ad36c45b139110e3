import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from actors.native_captioner import NativeCaptioner
from actors.scene_pictures import pictures_of
from actors.vision_prompts import Question, VisionPrompts
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption
from tests.pictures import jpeg
from tests.tiny_minicpm import make_minicpm

FRAMES = (jpeg("red", 224, 120), jpeg("blue", 80, 180), jpeg("green"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_minicpm(tmp_path_factory.mktemp("models") / "minicpm")


def settings(folder: Path, **changes: Any) -> CaptionSettings:
    chosen = {"adapter": "native", "model": str(folder), "max_new_tokens": 24, "frames_per_scene": 3}
    return CaptionSettings.model_validate(chosen | changes)


def many() -> list[SceneToCaption]:
    colours = ("red", "green", "blue", "yellow", "white", "black")
    sizes = ((112, 112), (400, 120), (60, 180))
    return [
        SceneToCaption(
            f"{colour}{number}",
            tuple(jpeg(c, *sizes[(number + i) % 3]) for i, c in enumerate((*colours[: 1 + number % 3], colour))),
            "he says it again " * number,
        )
        for number, colour in enumerate(colours)
    ]


def test_the_files_are_those_of_the_real_checkpoint(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }


@pytest.mark.parametrize("layer_types", [("full_attention",) * 2, ("linear_attention", "full_attention")])
def test_a_padded_batch_gives_what_each_gives_alone(tmp_path: Path, layer_types: tuple[str, ...]) -> None:
    model = NativeCaptioner(settings(make_minicpm(tmp_path, layer_types=layer_types), batch_size=6), tmp_path)
    together = model.caption(many())
    assert together == [model.caption([scene])[0] for scene in many()]
    assert len(set(together)) == len(together)


def test_answers_are_those_of_transformers_own_generate(folder: Path) -> None:
    import io

    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(str(folder))
    model = AutoModelForImageTextToText.from_pretrained(str(folder)).eval()
    images = [{"type": "image", "image": Image.open(io.BytesIO(frame))} for frame in FRAMES]
    content = [*images, {"type": "text", "text": "What is it?"}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )  # fmt: skip
    with torch.no_grad():
        generated = model.generate(**inputs, do_sample=False, max_new_tokens=24)
    expected = processor.tokenizer.decode(generated[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    (found,) = NativeCaptioner(settings(folder, prompt="What is it?"), folder).caption(
        [SceneToCaption("a", FRAMES, "")]
    )
    assert found.rstrip("…")
    assert expected.strip().startswith(found.rstrip("…"))


class Lengths:
    """Prompts of at most so many tokens, and how many tokens and pixels a question takes."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoProcessor

        self._processor = AutoProcessor.from_pretrained(str(folder))
        self._settings = settings(folder, transcript_chars=100_000)

    def at_most(self, tokens: int) -> VisionPrompts:
        return VisionPrompts(self._settings.model_copy(update={"max_prompt_tokens": tokens}), self._processor)

    def of(self, question: Question) -> int:
        return int(self.at_most(64).inputs([question])["input_ids"].shape[1])

    def pixels(self, question: Question) -> int:
        return int(self.at_most(64).inputs([question])["pixel_values"].numel())


def asked(*frames: bytes, said: str = "") -> Question:
    return Question("scene a", said, tuple(pictures_of(SceneToCaption("a", frames, said), 16)))


def test_a_long_prompt_loses_what_is_said_and_then_pictures(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    lengths = Lengths(folder)
    silent = lengths.of(asked(*FRAMES))
    said = "so we went to the harbour " * 500

    shorter = lengths.at_most(silent + 150).fitted(asked(*FRAMES, said=said))
    assert shorter is not None
    assert silent + 100 < lengths.of(shorter) <= silent + 150
    assert lengths.pixels(shorter) == lengths.pixels(asked(*FRAMES))
    assert shorter.text.startswith("so we went to the harbour so we")

    fewer = lengths.at_most(silent - 1).fitted(asked(*FRAMES, said=said))
    assert fewer == asked(FRAMES[0], FRAMES[2])  # evenly chosen among three
    assert caplog.messages == []

    least = lengths.of(asked(FRAMES[2]))
    assert lengths.at_most(least - 1).fitted(asked(FRAMES[2], said=said)) is None
    assert caplog.messages == [
        f"The shortest prompt for scene a has {least} tokens, more than captions.max_prompt_tokens ({least - 1}), "
        "so it gets no answer; raise that setting, or shorten captions.prompt."
    ]


def test_a_text_that_is_too_long_gets_no_answer_and_loses_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fits, long = "one line\n" * 20, "one line\n" * 20 + "more"
    tokens = Lengths(folder).of(Question("prompt 0", fits))
    tight = NativeCaptioner(settings(folder, max_prompt_tokens=tokens), folder)
    (answer,) = NativeCaptioner(settings(folder), folder).complete([fits])
    assert answer
    assert tight.complete([long, fits, long]) == [None, answer, None]
    assert tight.complete([long]) == [None]
    assert caplog.messages == []  # who asks says what is lost


def test_one_too_long_among_others_is_left_out(folder: Path) -> None:
    small, other, large = jpeg("red", 56, 56), jpeg("green", 56, 56), jpeg("blue", 800, 400)
    lengths = Lengths(folder)
    assert lengths.of(asked(small)) < lengths.of(asked(large))
    tight = NativeCaptioner(settings(folder, max_prompt_tokens=lengths.of(asked(large)) - 1), folder)
    wide = NativeCaptioner(settings(folder), folder)
    one, two, three = (SceneToCaption(str(number), (f,), "") for number, f in enumerate((small, large, other)))
    assert tight.caption([one, two, three]) == [wide.caption([one])[0], "", wide.caption([three])[0]]


def test_a_checkpoint_that_lacks_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "model"
    shutil.copytree(folder, broken)
    weights = load_file(broken / "model.safetensors")
    del weights["model.merger.mlp.0.linear_1.weight"]
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelMissing, match=r"lacks 1 weights of its architecture, such as .*linear_1.weight"):
        NativeCaptioner(settings(broken), broken)


def test_a_checkpoint_without_its_processor_is_refused(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "model"
    shutil.copytree(folder, broken)
    (broken / "preprocessor_config.json").unlink()
    with pytest.raises(ModelMissing, match=r"processor"):
        NativeCaptioner(settings(broken), broken)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"config.json"):
        NativeCaptioner(settings(tmp_path))


def test_four_bits_are_for_chat(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"captions.int4 is for the adapter `chat`"):
        NativeCaptioner(settings(folder, int4=True), folder)


def test_one_line_says_what_was_loaded(
    folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        model = NativeCaptioner(settings(folder, dtype="bfloat16"), folder)  # on a CPU float32 all the same
        model.caption([SceneToCaption("a", FRAMES, "")])
    assert [line.rpartition(",")[0] for line in caplog.messages] == ["Loaded caption model minicpm: cpu, float32"]
    assert capfd.readouterr() == ("", "")


def test_batches_are_counted_and_memory_is_given_back(folder: Path) -> None:
    import gc

    import torch

    def parameters() -> int:
        gc.collect()
        return sum(type(thing) is torch.nn.Parameter for thing in gc.get_objects())

    before = parameters()
    model = NativeCaptioner(settings(folder, batch_size=4), folder)
    model.caption(many())
    assert (model.fill.items, model.fill.slots) == (6, 8)
    assert parameters() > before
    model.close()
    assert parameters() <= before
