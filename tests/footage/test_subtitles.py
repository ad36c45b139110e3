"""The rules of subtitles, on speech of every kind; what is written is read back by another reader."""

import io
import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footage.sidecar import (
    Sidecar,
    SidecarMetadata,
    StoredEmbedding,
    StoredEmbeddings,
    StoredSegment,
    StoredTranscript,
    StoredWord,
)
from footage.subtitle_words import spoken_words
from footage.subtitles import SubtitleFormat, subtitles
from tests.footage.subtitle_files import Shown, read_srt, read_vtt

NO_VECTOR = StoredEmbedding(model="m", dimensions=1, has_embedding=False)
Said = tuple[float, float, str]  # start, end, text as Whisper gives it: with the space before it


def scene(start_s: float, end_s: float, *segments: StoredSegment, index: int = 0, text: str = "") -> Sidecar:
    return Sidecar(
        workspace="studio",
        video_id="v",
        scene_id=str(index),
        index=index,
        start_s=start_s,
        end_s=end_s,
        transcript=StoredTranscript(text=text, language="en", segments=list(segments)),
        embeddings=StoredEmbeddings(text=NO_VECTOR, vision=NO_VECTOR, caption=NO_VECTOR),
        thumbnail_key="t",
        source_uris=[],
        metadata=SidecarMetadata(pipeline_fingerprint="f", processed_at=""),
    )


def segment(*words: Said) -> StoredSegment:
    stored = [StoredWord(start_s=start, end_s=end, text=text, probability=1.0) for start, end, text in words]
    text = "".join(word.text for word in stored).strip()
    return StoredSegment(start_s=words[0][0], end_s=words[-1][1], text=text, words=stored)


def spoken(text: str, start_s: float = 0.0, word_s: float = 0.4) -> StoredSegment:
    """Words at an even pace."""
    words = text.split(" ")
    return segment(*((start_s + i * word_s, start_s + (i + 1) * word_s, f" {word}") for i, word in enumerate(words)))


def srt(*sidecars: Sidecar) -> list[Shown]:
    return read_srt("".join(subtitles(sidecars, "srt")))


def vtt(*sidecars: Sidecar) -> list[Shown]:
    return read_vtt("".join(subtitles(sidecars, "vtt")))


def width(line: str) -> int:
    drawn = [char for char in line if unicodedata.category(char) not in ("Mn", "Me", "Cf")]
    return sum(2 if unicodedata.east_asian_width(char) in ("W", "F") else 1 for char in drawn)


def check(shown: Sequence[Shown]) -> None:
    for cue in shown:
        assert 1 <= len(cue.lines) <= 2
        assert all(1 <= width(line) <= 42 for line in cue.lines)
        assert all(line == line.strip() for line in cue.lines)
        assert 1000 <= cue.end_ms - cue.start_ms <= 7000
    for cue, following in itertools.pairwise(shown):
        assert cue.end_ms <= following.start_ms


SPACES = " \t\n\r\0\x1b\x85\u2028\u00a0\u200b\u202e"
LETTERS = SPACES + "abcEé'.,!?-><&{}\\/:0123של日本語。「」ーกำ한국🎬👩\u200d🚀e\u0301"
HOSTILE = ["-->", "--", ">", " <b>", "{\\an8}", "\n\n", " 00:00:01,000 --> 00:00:02,000", "w" * 100, "語" * 60]
ANY_TEXT = st.text(st.sampled_from(LETTERS) | st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = ANY_TEXT | st.sampled_from([*HOSTILE, "\u0301" * 400])
PACES = st.tuples(st.floats(0, 3), st.floats(0, 4))
ODD = st.floats(-10, 1e5) | st.sampled_from([float("inf"), float("nan")])


@st.composite
def videos(draw: st.DrawFn, texts: st.SearchStrategy[str], is_odd: bool = False) -> list[Sidecar]:
    """Scenes of words that follow each other; or with times of any kind."""
    scenes, at = [], 0.0
    for index in range(draw(st.integers(0, 4))):
        start_s, segments = at, []
        for _ in range(draw(st.integers(0, 3))):
            words: list[Said] = []
            for text in draw(st.lists(texts, min_size=1, max_size=12)):
                pause, length = draw(PACES)
                times = (draw(ODD), draw(ODD)) if is_odd else (at + pause, at + pause + length)
                words.append((*times, text))
                at += pause + length
            made = segment(*words)
            segments.append(made.model_copy(update={"words": []}) if draw(st.booleans()) else made)
        at += 0.5
        scenes.append(scene(start_s, at, *segments, index=index))
    return scenes


def kept(text: str) -> str:
    """What of a text must be found again."""
    return "".join(char for char in text if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


@given(video=videos(TEXTS, is_odd=True))
@settings(deadline=None, max_examples=20)
def test_the_rules_hold_for_whatever_is_heard(video: list[Sidecar]) -> None:
    starts = [word.start_s for word in spoken_words(video)]
    assert starts == sorted(starts)
    text = "".join(subtitles(video, "vtt"))
    check(read_vtt(text))
    check(read_srt("".join(subtitles(video, "srt"))))
    text.encode()


LATIN = st.text(st.sampled_from("abcé.,?"), min_size=1, max_size=9).map(lambda word: f" {word}")


@given(video=videos(LATIN | st.text(st.sampled_from("日本語。「」ー한국กำ"), min_size=1, max_size=2)))
@settings(deadline=None, max_examples=30)
def test_every_word_is_there_once_in_order_and_not_before_it_is_said(video: list[Sidecar]) -> None:
    said = "".join(kept(part.text) for one in video for part in one.transcript.segments)
    for shown in (srt(*video), vtt(*video)):
        check(shown)
        assert kept("".join(line for cue in shown for line in cue.lines)) == said


@given(
    words=st.lists(st.tuples(LATIN, st.floats(0.45, 0.8), st.sampled_from([0, 0, 0.2, 1, 4])), min_size=1, max_size=60)
)
@settings(deadline=None, max_examples=30)
@example(words=[(" aaaaaaaaa", 0.45, 0)] * 60)
def test_speech_of_a_usual_pace_can_be_read_and_is_on_time(words: list[tuple[str, float, float]]) -> None:
    at, timed = 0.0, []
    for text, length_s, pause_s in words:
        timed.append((at, at + length_s, text))
        at += length_s + pause_s
    shown = srt(scene(0, at, segment(*timed)))
    starts = {round(start * 1000): end for start, end, _ in timed}
    for cue in shown:
        assert cue.start_ms in starts
        # of 9 letters and a space in 0.45 s, which is fast, two frames go for the gap
        assert sum(map(width, cue.lines)) / (cue.end_ms - cue.start_ms) * 1000 <= 25
    check(shown)


def test_how_it_looks() -> None:
    said = spoken(
        "We carry our tent and climb to the top of the mountain. There we wait for the sun, which comes late in"
        " winter, and make tea for everybody."
    )
    assert "".join(subtitles([scene(0, 20, said)], "vtt")) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:04.720\nWe carry our tent and climb\nto the top of the mountain.\n\n"
        "00:00:04.800 --> 00:00:09.120\nThere we wait for the sun,\nwhich comes late in winter,\n\n"
        "00:00:09.200 --> 00:00:11.200\nand make tea for everybody.\n\n"
    )


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        # short sentences together, since each alone could not stay for a second
        ("Yes. No. We go home now.", [["Yes. No. We go home now."]]),
        # a cue ends with its sentence, though more would fit
        (
            "He left the house at six in the morning. She stayed at home and read the letters from the box.",
            [
                ["He left the house at six in the morning."],
                ["She stayed at home and read", "the letters from the box."],
            ],
        ),
        # without punctuation: before words such as `and`, not behind an article; in parts of like length
        (
            "and nobody knew when it was going to be ready so we all went home and waited for the news",
            [
                ["and nobody knew", "when it was going to be ready"],
                ["so we all went home", "and waited for the news"],
            ],
        ),
    ],
)
def test_breaks_are_where_a_reader_expects_them(said: str, lines: list[list[str]]) -> None:
    assert [cue.lines for cue in srt(scene(0, 60, spoken(said, word_s=0.3)))] == lines


def test_long_speech_without_a_pause_is_broken_as_well_at_its_end_as_anywhere() -> None:
    shown = srt(scene(0, 200, spoken("He left the house at six in the morning. " * 20 + "He left.", word_s=0.3)))
    assert all(cue.lines[-1].endswith(".") for cue in shown)
    check(shown)


def test_what_is_said_over_a_cut_goes_on_and_is_not_doubled() -> None:
    before = scene(0, 1, segment((0.0, 0.5, " The"), (0.5, 1.1, " lighthouse,")), index=0)
    after = scene(1, 4, segment((0.9, 1.2, " Lighthouse"), (1.2, 1.6, " stands"), (1.6, 2.0, " stands")), index=1)
    assert [cue.lines for cue in srt(before, after)] == [["The lighthouse, stands stands"]]


def test_scripts_without_spaces_are_broken_between_characters_and_count_double() -> None:
    text = "今日は庭で働いています。最初に深い穴を掘って、新しい土で満たします。その後、若いトマトを植えます。"
    words = [(i * 0.2, (i + 1) * 0.2, char) for i, char in enumerate(text)]
    shown = srt(scene(0, 20, segment(*words)))
    check(shown)
    assert [cue.lines for cue in shown] == [
        ["今日は庭で働いています。最初に深い", "穴を掘って、新しい土で満たします。"],
        ["その後、若いトマトを植えます。"],
    ]
    assert "".join(line for cue in shown for line in cue.lines) == text


@pytest.mark.parametrize("text", ["あっ" * 60, "あー" * 60, "「あ」" * 40, "あ。" * 60])
def test_no_line_begins_with_what_belongs_to_the_character_before(text: str) -> None:
    shown = srt(scene(0, 60, segment(*((i * 0.2, (i + 1) * 0.2, char) for i, char in enumerate(text)))))
    assert not any(line[0] in "っー」。" or line[-1] == "「" for cue in shown for line in cue.lines)
    check(shown)


def test_segments_without_words_are_spread_over_their_time() -> None:
    bare = StoredSegment(start_s=10, end_s=20, text="One two three four. Five six seven eight nine ten eleven twelve.")
    shown = srt(scene(0, 30, bare))
    assert shown == [
        Shown(10000, 12969, ["One two three four."]),
        Shown(13125, 20000, ["Five six seven eight", "nine ten eleven twelve."]),
    ]


def test_segments_are_joined_as_their_script_is_written() -> None:
    english = (segment((0, 1, "One.")), segment((1, 2, "Two.")))
    japanese = (segment((0, 1, "はい")), segment((1, 2, "そう")))
    assert [srt(scene(0, 3, *said))[0].lines for said in (english, japanese)] == [["One. Two."], ["はいそう"]]


def test_a_transcript_without_segments_is_shown_with_its_scene() -> None:
    assert srt(scene(2, 5, text="Hello there.")) == [Shown(2000, 5000, ["Hello there."])]


def test_words_without_spaces_of_their_own_are_kept_apart() -> None:
    made = segment((0, 1, "red"), (1, 2, "car")).model_copy(update={"text": "red car"})
    assert srt(scene(0, 3, made))[0].lines == ["red car"]


def test_pauses_end_a_cue() -> None:
    shown = srt(scene(0, 30, segment((0, 0.5, " One"), (0.5, 1.0, " two"), (4.0, 4.5, " three"))))
    assert shown == [Shown(0, 1000, ["One two"]), Shown(4000, 5000, ["three"])]


def test_a_word_that_is_held_long_goes_after_seven_seconds() -> None:
    assert srt(scene(0, 60, segment((0, 50, " Ooooh")))) == [Shown(0, 7000, ["Ooooh"])]


@pytest.mark.parametrize(
    ("heard", "in_srt"),
    [
        ("<b>bold</b>", "<\u2060b>bold<\u2060/b>"),
        ("{\\an8}top \\N", "(\\\u2060an8)top \\\u2060N"),
        ("a --> b", "a → b"),
        ("1 < 2 > 0 & {3}", "1 < 2 > 0 & (3)"),
        ("&amp; &lt;i&gt;", "&amp; &lt;i&gt;"),
        ("<script>alert(1)</script>", "<\u2060script>alert(1)<\u2060/script>"),
    ],
)
def test_hostile_text_stays_text(heard: str, in_srt: str) -> None:
    one = scene(0, 9, spoken(heard))
    assert [cue.lines for cue in srt(one)] == [[in_srt]]
    assert [cue.lines for cue in vtt(one)] == [[heard]]
    assert [text for _, _, text in played(one, "srt")] == [in_srt]


def test_a_silent_video_has_no_cues() -> None:
    assert list(subtitles([scene(0, 9)], "srt")) == []
    assert list(subtitles([], "srt")) == []
    assert list(subtitles([scene(0, 9)], "vtt")) == ["WEBVTT\n\n"]


def test_long_videos_come_as_they_are_read() -> None:
    taken = []

    def scenes() -> Iterator[Sidecar]:
        for index in range(30):
            taken.append(index)
            at = index * 30.0
            yield scene(at, at + 30, spoken("so it goes on and on without a stop " * 8, at), index=index)

    cues = subtitles(scenes(), "srt")
    first = next(cues)
    assert first.startswith("1\n00:00:00,000 --> ")
    assert len(taken) < 4
    last = list(cues)[-1]
    assert last.split("\n")[1].startswith("00:14:")


def played(one: Sidecar, format: SubtitleFormat) -> list[tuple[int, int, str]]:
    """What ffmpeg makes of the file."""
    data = "".join(subtitles([one], format)).encode()
    found: list[tuple[int, int, str]] = []
    with av.open(io.BytesIO(data), format={"srt": "srt", "vtt": "webvtt"}[format]) as container:
        stream: Any = container.streams.subtitles[0]
        for packet in container.demux(stream):
            if packet.size:
                for subtitle in packet.decode():
                    found.append((packet.pts, packet.pts + packet.duration, subtitle.dialogue.decode()))
    return found


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_ffmpeg_reads_what_is_written(format: SubtitleFormat) -> None:
    said = "Many insects fly from flower to flower & collect honey. 3 < 4 日本語."
    one = scene(0, 30, spoken(said), spoken("After a pause 1.", start_s=20))
    shown = {"srt": srt, "vtt": vtt}[format](one)
    assert len(shown) == 2
    assert played(one, format) == [(cue.start_ms, cue.end_ms, "\n".join(cue.lines)) for cue in shown]
