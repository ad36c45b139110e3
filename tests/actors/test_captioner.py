from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest

from actors.captioner import Captioner
from footage.errors import ModelUnavailable, SettingsError
from footage.model_settings import CaptionSettings
from tests.caption_server import CaptionServer, Fault, serve
from tests.pictures import jpeg, mean_rgb


def answer(pictures: Sequence[bytes], text: str, most_tokens: int) -> str:
    """What is said, and the colours seen; nothing about a picture that is black all over."""
    colours = [mean_rgb(picture) for picture in pictures]
    return "" if colours == [(0, 0, 0)] else f"{text} {colours}"


@pytest.fixture(scope="module")
def server() -> Iterator[CaptionServer]:
    with serve(CaptionServer(answer)) as running:
        yield running


@pytest.fixture
def captioner(server: CaptionServer) -> Iterator[Captioner]:
    settings = CaptionSettings(
        adapter="http", endpoint=server.endpoint(), prompt="seen{said}", said=", said {transcript}"
    )
    made = Captioner(settings, None)
    yield made
    made.close()
    server.faults.clear()


def table(*rows: dict[str, Any]) -> pa.Table:
    schema = pa.schema(
        [
            ("failure_code", pa.string()),
            ("scene_ids", pa.list_(pa.string())),
            ("key_frames", pa.list_(pa.list_(pa.binary()))),
            ("transcripts", pa.list_(pa.struct([("text", pa.string())]))),
        ]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def span(scenes: dict[str, tuple[list[bytes], str]]) -> dict[str, Any]:
    return {
        "failure_code": None,
        "scene_ids": list(scenes),
        "key_frames": [frames for frames, _ in scenes.values()],
        "transcripts": [{"text": text} for _, text in scenes.values()],
    }


def test_scenes_get_their_own_captions_and_those_without_pictures_none(captioner: Captioner) -> None:
    failed = {"failure_code": "undecodable_video", "scene_ids": [], "key_frames": [], "transcripts": []}
    empty = {"failure_code": None, "scene_ids": None, "key_frames": None, "transcripts": None}
    one = span({"a": ([jpeg("red"), jpeg("blue")], " hello "), "b": ([], "hidden"), "c": ([jpeg("white")], "")})
    two = span({"d": ([b"broken"], ""), "e": ([jpeg("black")], ""), "f": ([jpeg("green")], "")})
    spans = table(failed, one, empty, two)
    result = captioner(spans)
    assert result.schema == pa.schema([*spans.schema, *Captioner.ADDS])
    assert result.column("captions").to_pylist() == [
        [],
        ["seen, said hello [(254, 0, 0), (0, 0, 254)]", None, "seen [(255, 255, 255)]"],
        [],
        [None, None, "seen [(0, 128, 1)]"],
    ]


def test_nothing_to_caption(captioner: Captioner, server: CaptionServer) -> None:
    before = len(server.asked)
    assert captioner(table()).schema == pa.schema([*table().schema, *Captioner.ADDS])
    assert captioner(table(span({"a": ([], "")}))).column("captions").to_pylist() == [[None]]
    assert len(server.asked) == before
    assert (captioner.fill.items, captioner.fill.slots) == (0, 0)


def test_an_outage_is_not_the_videos_fault(captioner: Captioner, server: CaptionServer) -> None:
    server.faults.extend([Fault(status=500)] * 10)
    with pytest.raises(ModelUnavailable):
        captioner(table(span({"a": ([jpeg("red")], "")})))


def test_a_stage_without_an_adapter_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match=r"captions.adapter is off"):
        Captioner(CaptionSettings(), None)
