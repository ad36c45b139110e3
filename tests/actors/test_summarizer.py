from pathlib import Path

import pyarrow as pa
import pytest

from actors.model_preparation import PreparedModels
from actors.summarizer import MODEL_UNAVAILABLE, Summarizer, writer_settings
from actors.summary_prompt import SceneText, half_of, scene_lines
from actors.video_reader import VideoReader
from footage.errors import SettingsError
from footage.model_settings import CaptionSettings, EndpointSettings, SummarySettings
from footage.settings import Settings
from footage.span_table import table_of
from footage.video_table import VIDEO
from tests.describing import Reteller, retold

READ = pa.schema([*VIDEO, *VideoReader.ADDS])
CAPTIONS = CaptionSettings(adapter="native", model="eyes")
SUMMARIES = SummarySettings(adapter="captioner", prompt="Tell {of} this:\n{scenes}\nNow.", max_new_tokens=77)


def row(video_id: str, lines: list[str], failure: str | None = None) -> dict:
    return {
        "run_id": "run-1",
        "workspace": "studio",
        "source_uri": f"file:///{video_id}.mp4",
        "source_size_bytes": 1,
        "video_id": video_id,
        "span_index": 0,
        "span_start_s": 0.0,
        "span_end_s": 10.0,
        "failure_code": "broken" if failure else None,
        "failure": failure,
        "stage_seconds": [],
        "lines": lines,
    }


def summarized(*rows: dict) -> pa.Table:
    videos = table_of(list(rows), READ)
    result = Summarizer(SUMMARIES, CAPTIONS, None, Reteller)(videos)
    assert result.schema.equals(pa.schema([*READ, *Summarizer.ADDS]))
    kept = result.drop_columns(["description", "failure", "failure_code"])
    assert kept.equals(videos.drop_columns(["failure", "failure_code"]))
    return result


def test_each_video_gets_its_own_description_and_an_empty_answer_is_none() -> None:
    result = summarized(
        row("a", ["[0:00] seen: A cat.", "[0:05] seen: A dog."]),
        row("b", []),
        row("c", ["[0:00] said: say nothing"]),
        row("d", ["[0:00] said: hello"], failure="It is broken."),
        row("e", ["[1:02:03] said: bye"]),
    )
    assert result.column("description").to_pylist() == [
        "2 scenes, from (seen: A cat.) to (seen: A dog.).",
        None,
        None,
        None,
        "1 scenes, from (said: bye) to (said: bye).",
    ]
    assert result.column("failure_code").to_pylist() == [None, None, None, "broken", None]
    assert summarized(row("b", [])).column("description").to_pylist() == [None]


def test_the_model_gets_the_prompt_of_the_settings_and_their_limit() -> None:
    models: list[Reteller] = []

    def opened(settings: CaptionSettings, folder: Path | None, max_new_tokens: int) -> Reteller:
        models.append(Reteller(settings, folder, max_new_tokens))
        return models[0]

    Summarizer(SUMMARIES, CAPTIONS, Path("weights"), opened)(table_of([row("a", ["[0:00] x", "[0:01] {y}"])], READ))
    assert models[0].asked_with == ("native", "eyes", Path("weights"), 77)
    assert models[0].prompts == ["Tell {of} this:\n[0:00] x\n[0:01] {y}\nNow."]


def test_what_is_too_long_for_the_model_is_thinned_evenly_until_it_fits(caplog: pytest.LogCaptureFixture) -> None:
    class Brief(Reteller):
        most_chars = 1000

    scenes = [SceneText(5.0 * number, f"thing {number}", "그는 다시 말한다 " * 5) for number in range(200)]
    long, short, hopeless = scene_lines(scenes, 12_000, 400), ["[0:00] seen: A cat."], ["[0:00] x" + "x" * 1000] * 100
    model = Summarizer(SUMMARIES, CAPTIONS, None, Brief)
    rows = [row("a", long), row("b", short), row("c", hopeless)]
    descriptions = model(table_of(rows, READ)).column("description").to_pylist()
    kept = half_of(half_of(half_of(half_of(long))))
    assert (kept[0], kept[-1]) == (long[0], long[-1])
    assert descriptions[0] == " ".join(retold("\n".join(kept)).split())
    assert descriptions[1] == "1 scenes, from (seen: A cat.) to (seen: A cat.)."
    assert caplog.messages == []


def test_a_template_that_alone_is_too_long_costs_the_descriptions_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    class Mute(Reteller):
        most_chars = 10

    model = Summarizer(SUMMARIES, CAPTIONS, None, Mute)
    told = model(table_of([row("a", ["[0:00] seen: A cat. " + "again " * 60] * 50)], READ))
    assert told.column("description").to_pylist() == [None]
    assert told.column("failure_code").to_pylist() == [None]
    assert caplog.messages == [
        "The prompt for the description of video a is too long for its model even with few scenes, so it gets none; "
        "raise captions.max_prompt_tokens or the server's context, or shorten summaries.prompt."
    ]


def test_a_model_that_cannot_be_asked_is_told_of_every_video_that_needs_it() -> None:
    result = summarized(row("a", ["[0:00] said: unheard of"]), row("b", []), row("c", ["[0:00] x"], failure="Broken."))
    sentence = "The model server http://127.0.0.1:1/v1 does not answer."
    assert result.column("failure_code").to_pylist() == [MODEL_UNAVAILABLE, None, "broken"]
    assert result.column("failure").to_pylist() == [sentence, None, "Broken."]
    assert result.column("description").to_pylist() == [None, None, None]


def test_a_server_of_its_own_writes_with_the_settings_of_the_summaries() -> None:
    endpoint = EndpointSettings(url="http://127.0.0.1:9/v1")
    summaries = SummarySettings(adapter="http", model="words", endpoint=endpoint, toy=True)
    writer = writer_settings(summaries, CAPTIONS)
    assert (writer.adapter, writer.model, writer.endpoint, writer.toy) == ("http", "words", endpoint, True)
    assert writer_settings(SUMMARIES, CAPTIONS) == CAPTIONS


@pytest.mark.parametrize(
    ("summaries", "captions", "says"),
    [
        (SummarySettings(adapter="off"), CAPTIONS, "summaries.adapter is off"),
        (SUMMARIES, CaptionSettings(adapter="chat"), "captions.adapter is chat"),
        (SUMMARIES, CaptionSettings(adapter="off"), "captions.adapter is off"),
        (SummarySettings(adapter="http", model="words"), CAPTIONS, "summaries.endpoint.url"),
        (SummarySettings(adapter="http", endpoint=EndpointSettings(url="http://x/v1")), CAPTIONS, "summaries.model"),
    ],
)
def test_what_cannot_write_is_a_sentence(summaries: SummarySettings, captions: CaptionSettings, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        writer_settings(summaries, captions)


def test_the_toy_captioner_tells_of_a_video_from_its_scenes(offline: Settings, prepared: PreparedModels) -> None:
    """The real adapter on the toy's weights, whose descriptions name the backgrounds of the scenes it is told of."""
    summarizer = Summarizer(offline.summaries, offline.captions, prepared.caption_folder)
    scenes = [
        SceneText(0.0, "A red shape on a plain blue background.", ""),
        SceneText(6.2, "A white shape on a striped green background.", "Please replace the brake pads."),
    ]
    lines = scene_lines(scenes, offline.summaries.max_input_chars, offline.summaries.max_scene_chars)
    videos = table_of([row("a", lines), row("b", []), row("c", lines[:1])], READ)

    first, none, second = summarizer(videos).column("description").to_pylist()
    again = summarizer(videos).column("description").to_pylist()
    summarizer.close()

    assert (first, none, second) == (
        "A video of blue and green backgrounds that are plain and striped.",
        None,
        "A video of blue backgrounds that are plain.",
    )
    assert again == [first, none, second]
