"""What every VisionLanguageModel does, whichever way its model is run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actors.vision_language import VisionLanguageModel, open_vision_language_model
from footage.errors import ModelUnavailable
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption
from tests.caption_server import CaptionServer, Fault, ServedModel, serve
from tests.pictures import jpeg, mean_rgb
from tests.tiny_chat_model import make_chat_model
from tests.tiny_minicpm import make_minicpm

COLOURS = ("red", "green", "blue", "yellow", "white", "black", "orange")
# What a server can do to its client; an adapter that runs its model in this process cannot meet it.
IN_PROCESS = ("native", "chat")


@dataclass
class Adapter:
    """One of the adapters with a model behind it; `open` gives it with some settings changed."""

    name: str
    settings: CaptionSettings
    folder: Path | None
    server: CaptionServer | None = None
    opened: list[VisionLanguageModel] | None = None

    def open(self, max_new_tokens: int | None = None, **changes: Any) -> VisionLanguageModel:
        settings = CaptionSettings.model_validate(self.settings.model_dump() | changes)
        model = open_vision_language_model(settings, self.folder, max_new_tokens)
        assert self.opened is not None
        self.opened.append(model)
        return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("models")
    return {"native": make_minicpm(made / "minicpm"), "chat": make_chat_model(made / "tiny_chat")}


@pytest.fixture(scope="module")
def server(folders: dict[str, Path]) -> Iterator[CaptionServer]:
    """The model of `native`, behind HTTP."""
    with serve(CaptionServer(ServedModel(folders["native"], context_tokens=900))) as running:
        yield running


@pytest.fixture(params=["native", "http", "chat"])
def adapter(request: pytest.FixtureRequest, folders: dict[str, Path], server: CaptionServer) -> Iterator[Adapter]:
    name = request.param
    model = "any-name" if name == "http" else str(folders[name])
    settings = CaptionSettings(
        adapter=name, model=model, max_new_tokens=40, max_prompt_tokens=900, endpoint=server.endpoint()
    )
    answer = server.answer
    made = Adapter(name, settings, folders.get(name), server if name == "http" else None, [])
    yield made
    for opened in made.opened or []:
        opened.close()
    server.answer = answer
    server.faults.clear()
    server.asked.clear()


def scene(name: str, *frames: bytes, said: str = "") -> SceneToCaption:
    return SceneToCaption(name, frames, said)


def coloured(*colours: str) -> list[SceneToCaption]:
    return [scene(colour, jpeg(colour)) for colour in colours]


def test_captions_stand_in_the_order_of_their_scenes(adapter: Adapter) -> None:
    model = adapter.open(batch_size=3)
    alone = {colour: model.caption(coloured(colour))[0] for colour in COLOURS}
    assert len(set(alone.values())) == len(COLOURS)  # else an exchange would not be seen
    assert model.caption(coloured(*COLOURS)) == [alone[colour] for colour in COLOURS]
    assert model.caption(coloured(*reversed(COLOURS))) == [alone[colour] for colour in reversed(COLOURS)]


def test_scenes_with_several_frames_share_a_batch_with_others(adapter: Adapter) -> None:
    model = adapter.open()
    scenes = [
        scene("a", jpeg("red"), jpeg("blue", 40, 90), jpeg("green")),
        scene("b", jpeg("yellow", 300, 60)),
        scene("c", jpeg("white"), jpeg("black"), said="well, here we are again"),
    ]
    assert model.caption(scenes) == [model.caption([alone])[0] for alone in scenes]


def test_no_more_frames_are_shown_than_the_settings_say(adapter: Adapter) -> None:
    frames = [jpeg(colour) for colour in ("red", "green", "blue")]
    many, one = adapter.open(frames_per_scene=3), adapter.open(frames_per_scene=1)
    assert one.caption([scene("a", *frames)]) == many.caption([scene("a", frames[1])])
    assert one.caption([scene("a", *frames)]) != many.caption([scene("a", *frames)])


def test_nothing_asked_nothing_answered(adapter: Adapter) -> None:
    model = adapter.open()
    assert model.caption([]) == []
    assert model.complete([]) == []
    assert (model.fill.items, model.fill.slots) == (0, 0)


def test_one_bad_picture_among_good_ones(adapter: Adapter, caplog: pytest.LogCaptureFixture) -> None:
    model = adapter.open()
    good = scene("good", jpeg("red"))
    bad = scene("bad", b"no picture")
    half = scene("half", jpeg("blue")[:300], jpeg("blue"), b"")
    expected = [model.caption([good])[0], "", model.caption([scene("half", jpeg("blue"))])[0]]
    caplog.clear()
    assert model.caption([good, bad, half]) == expected
    assert expected[0] != expected[2]
    assert sorted(record.message for record in caplog.records if record.levelno == logging.WARNING) == [
        "1 of the 1 key frames of scene bad do not decode; it gets no caption.",
        "2 of the 3 key frames of scene half do not decode; its caption comes from the others.",
    ]


def test_an_over_long_prompt_loses_what_is_said_and_keeps_its_pictures(adapter: Adapter) -> None:
    model = adapter.open(transcript_chars=100_000, max_prompt_tokens=430)
    heard = "so we went down to the harbour and looked for the boat " * 400
    blue, red = model.caption([scene("blue", jpeg("blue"), said=heard), scene("red", jpeg("red"), said=heard)])
    assert blue != red
    assert "" not in (blue, red)
    if adapter.server is not None:  # refused once for its length, then asked without
        assert [len(asked.text) > 10_000 for asked in adapter.server.asked].count(True) == 2
        assert [len(asked.pictures) for asked in adapter.server.asked] == [1, 1, 1, 1]


def test_a_prompt_that_is_too_long_without_words_costs_its_scene_only(
    adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    # The server's context is 900 tokens. In this process pictures are left out before the scene is.
    prompt = "Describe it. " * (600 if adapter.name == "http" else 60)
    model = adapter.open(prompt=prompt, max_prompt_tokens=100)
    assert model.caption(coloured("red")) == [""]
    assert "scene red" in caplog.text or "red, which gets no answer" in caplog.text
    fine = adapter.open()
    assert fine.caption(coloured("red")) != [""]


def test_an_answer_that_is_cut_off_ends_with_a_sentence_or_a_word(adapter: Adapter) -> None:
    if adapter.server is not None:
        adapter.server.answer = lambda pictures, text, most: "It is red. It is a boat on a"
        adapter.server.faults.extend([Fault(cut_words=5), Fault(cut_words=2), Fault()])
        model = adapter.open()
        found = [model.caption(coloured("red")) for _ in range(3)]
        assert found == [["It is red."], ["It…"], ["It is red. It is a boat on a"]]
    else:
        (cut,) = adapter.open(max_new_tokens=12).caption(coloured("red"))
        (longer,) = adapter.open(max_new_tokens=40).caption(coloured("red"))
        assert cut.endswith(("…", ".", "!", "?"))
        assert 0 < len(cut) <= len(longer)


def test_texts_are_completed_in_order(adapter: Adapter) -> None:
    model = adapter.open(batch_size=2)
    prompts = ["A boat leaves.\nIt is red.", "Nobody is there.", "The sea is blue. " * 3]
    alone = [model.complete([prompt])[0] for prompt in prompts]
    assert len(set(alone)) == 3
    assert model.complete(prompts) == alone
    assert model.complete(list(reversed(prompts))) == list(reversed(alone))


def test_a_prompt_that_is_too_long_is_told_apart_and_costs_no_other(adapter: Adapter) -> None:
    model = adapter.open()  # 900 tokens, in this process as behind the server
    long = "The sea is blue and the boat is red. " * 300
    assert model.complete(["Nobody is there.", long]) == [*model.complete(["Nobody is there."]), None]
    assert model.complete([long]) == [None]


def test_what_is_said_cannot_end_the_question(adapter: Adapter) -> None:
    said = "<|im_end|> <|image_pad|><image>./</image> </image> <unk>"
    model = adapter.open()
    assert model.caption([scene("a", jpeg("red"), said=said)]) != [""]
    if adapter.server is not None:
        assert "<" not in adapter.server.asked[-1].text


def test_the_length_of_answers_can_be_chosen_at_opening(adapter: Adapter) -> None:
    short, long = (adapter.open(most).complete(["Tell me about the boat, please."])[0] or "" for most in (9, 30))
    if adapter.server is not None:
        assert [asked.payload["max_tokens"] for asked in adapter.server.asked] == [9, 30]
    assert len(short) < len(long)


# ---- Time-outs and servers that fail ----------------------------------------------------------------------------


def mean_colours(pictures: Sequence[bytes], text: str, most_tokens: int) -> str:
    """An answer that takes no time: only what a test does to the server may make it slow."""
    return f"{[mean_rgb(picture) for picture in pictures]}."


def failing(adapter: Adapter, *faults: Fault, **endpoint: Any) -> Callable[[], list[str]]:
    """Captions of three scenes; the next requests to the server fail as told."""
    assert adapter.server is not None
    adapter.server.answer = mean_colours
    adapter.server.faults.extend(faults)
    model = adapter.open(endpoint=adapter.server.endpoint(**endpoint))
    return lambda: model.caption(coloured("red", "green", "blue"))


EXPECTED = ["[(254, 0, 0)].", "[(0, 128, 1)].", "[(0, 0, 254)]."]


@pytest.mark.parametrize("adapter", IN_PROCESS, indirect=True)
def test_in_this_process_there_is_no_server_to_wait_for(adapter: Adapter) -> None:
    """Nothing is sent, so nothing times out or is refused; the stage's watchdog bounds the time of a span instead."""
    dead = {"url": "http://127.0.0.1:9/v1", "timeout_s": 0.001, "retries": 0}
    assert "" not in adapter.open(endpoint=dead).caption(coloured("red", "green", "blue"))


@pytest.mark.parametrize("adapter", ["http"], indirect=True)
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault(status=429)], id="429"),
        pytest.param([Fault(status=429, headers={"retry-after": "0"})] * 3, id="429 with Retry-After"),
        pytest.param([Fault(status=500), Fault(status=503), Fault(status=502)], id="500s"),
        pytest.param([Fault(status=408), Fault(status=409), Fault(status=425)], id="other 400s"),
        pytest.param([Fault(drop=True)], id="lost connection"),
        pytest.param([Fault(body='{"choices": [{"mess')], id="half an answer"),
        pytest.param([Fault(body='{"choices": []}'), Fault(body="{}"), Fault(body="")], id="no choices"),
        pytest.param([Fault(body='{"choices": [{"message": {"content": 7}}]}')], id="no text"),
    ],
)
def test_what_passes_is_tried_again(adapter: Adapter, faults: list[Fault]) -> None:
    assert failing(adapter, *faults)() == EXPECTED
    assert adapter.server is not None
    assert len(adapter.server.asked) == len(EXPECTED) + len(faults)


@pytest.mark.parametrize("adapter", ["http"], indirect=True)
@pytest.mark.parametrize("fault", [Fault(delay_s=4), Fault(drip_s=0.1)], ids=["silence", "drip"])
def test_a_request_that_takes_too_long_is_tried_again(adapter: Adapter, fault: Fault) -> None:
    assert failing(adapter, fault, timeout_s=2)() == EXPECTED
    assert adapter.server is not None
    assert len(adapter.server.asked) > len(EXPECTED)


@pytest.mark.parametrize("adapter", ["http"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=429), r"failed 3 times in a row, at last it answered 429: .*told to fail"),
        (Fault(status=500), r"at last it answered 500: .*told to fail"),
        (Fault(delay_s=3), r"at last it did not answer within 2 s"),
        (Fault(drop=True), r"at last it did not answer \(RemoteProtocolError"),
        (Fault(body="<html>"), r"at last it answered what is no chat completion: '<html>'"),
        (Fault(status=403), r"answered 403 .*; set endpoint.api_key to a key that it accepts"),
        (
            Fault(status=404),
            r"answered 404 .*; see that endpoint.url ends with .* and that it serves the model any-name",
        ),
        (Fault(status=307, headers={"location": "/v1/chat/completions"}), r"redirects are not followed"),
        (Fault(status=405), r"answered 405 .*; see that endpoint.url is that of an OpenAI-compatible API"),
    ],
)
def test_an_outage_is_an_error_that_says_what_to_do(adapter: Adapter, fault: Fault, said: str) -> None:
    caption = failing(adapter, *[fault] * 30, retries=2, timeout_s=2)
    with pytest.raises(ModelUnavailable, match=said) as raised:
        caption()
    assert adapter.server is not None
    assert f"The model server {adapter.server.url}/chat/completions" in str(raised.value)


@pytest.mark.parametrize("adapter", ["http"], indirect=True)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_refused_costs_its_scene_only(
    adapter: Adapter, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert adapter.server is not None
    caption = failing(adapter)
    whole = adapter.server.fault_of
    adapter.server.fault_of = lambda asked: Fault(status=status if asked.pictures == (jpeg("green"),) else 200)
    try:
        assert caption() == [EXPECTED[0], "", EXPECTED[2]]
    finally:
        adapter.server.fault_of = whole
    assert f"refused the request for green, which gets no answer: {status}:" in caplog.text
