"""What is heard in whole videos: decoded and transcribed as in the pipeline."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.probe import probe
from actors.transcriber import READS, Transcriber
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from footage.settings import Settings
from tests import media
from tests.decoding import VIDEO_ID, WHOLE_S, decode
from tests.media_tracks import Track, silence, write_tracks
from tests.sounds import KOREAN, Samples, clip_sound, music, noise, sound_of, spoken_in

SPANS = pa.schema(
    [
        ("video_id", pa.string()),
        ("failure_code", pa.string()),
        ("language_audio_s16", pa.large_binary()),
        *(field for field in VideoDecoder.ADDS if field.name in READS and field.name != "language_audio_s16"),
    ]
)


@pytest.fixture(scope="module")
def transcriber(offline: Settings) -> Transcriber:
    return Transcriber(offline.speech)


def transcripts(
    transcriber: Transcriber, path: Path, span_s: float = WHOLE_S, audio_language: str | None = None
) -> list[dict[str, Any]]:
    """What is said in the scenes of a video."""
    settings = DecoderSettings(audio_language=audio_language)
    decoder = VideoDecoder(settings)
    try:
        spans = decode(decoder, path, probe(path, settings.limits), span_s)
    finally:
        decoder.close()
    rows = [
        {
            "video_id": VIDEO_ID,
            "scene_ids": [scene.scene.scene_id for scene in span.scenes],
            "scene_start_s": [scene.scene.start_s for scene in span.scenes],
            "scene_end_s": [scene.scene.end_s for scene in span.scenes],
            "audio_s16": span.audio_s16,
            "audio_start_s": span.audio_start_s,
        }
        for span in spans
    ]
    heard = transcriber(pa.Table.from_pylist(rows, schema=SPANS)).column("transcripts").to_pylist()
    return [transcript for span in heard for transcript in span]


def words(heard: Sequence[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """Each word without punctuation, with its start and end in seconds of the video."""
    return [
        (re.sub(r"\W", "", word["text"].lower()), word["start_s"], word["end_s"])
        for transcript in heard
        for segment in transcript["segments"]
        for word in segment["words"]
    ]


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def near(found: Sequence[tuple[str, float, float]], expected: Sequence[tuple[str, float, float]]) -> None:
    """The same words at the same times: to the frame in the middle, and none a word away.

    Not all to the frame, since Whisper places a word by what else it hears in the same 30 s.
    """
    assert [word for word, _, _ in found] == [word for word, _, _ in expected]
    off_s = np.abs(np.array([word[1:] for word in found]) - np.array([word[1:] for word in expected]))
    assert np.median(off_s) <= 1 / media.RATE
    assert off_s.max() < 0.6


def later(said: Sequence[tuple[str, float, float]], by_s: float) -> list[tuple[str, float, float]]:
    return [(word, start_s + by_s, end_s + by_s) for word, start_s, end_s in said]


def spoken(name: str) -> list[str]:
    return re.findall(r"\w+", spoken_in(name).lower())


def test_a_video_without_speech_has_no_transcript(transcriber: Transcriber, tmp_path: Path) -> None:
    quiet = write_tracks(tmp_path / "quiet.mp4", [Track(silence(4))])
    for path in (media.silent(tmp_path / "none.mp4"), media.plain(tmp_path / "beeps.mp4"), quiet):
        heard = transcripts(transcriber, path)
        assert heard
        assert all(transcript == {"text": "", "language": "", "segments": []} for transcript in heard)


def test_a_video_with_only_music_or_noise_has_no_transcript(transcriber: Transcriber, tmp_path: Path) -> None:
    for name, sound in (("music", music(20)), ("noise", noise(20)), ("both", music(20) // 2 + noise(20) // 2)):
        heard = transcripts(transcriber, write_tracks(tmp_path / f"{name}.mp4", [Track(sound)], (8.0, 12.0)))
        assert [transcript["text"] for transcript in heard] == ["", ""]


def test_the_same_speech_later_in_a_video_gives_the_same_words_later(transcriber: Transcriber, tmp_path: Path) -> None:
    sound = clip_sound("garage.mp4")[: 10 * media.SOUND_RATE_HZ]
    said = {}
    for silent_s in (4.0, 12.0):
        track = Track(joined(silence(silent_s), sound), codec="pcm_s16le")
        path = write_tracks(tmp_path / f"{silent_s}.mkv", [track], (silent_s, 10.0))
        said[silent_s] = words(transcripts(transcriber, path))
    assert len(said[4.0]) > 12
    near(said[12.0], later(said[4.0], 8.0))


def test_a_video_in_two_languages_has_its_words_where_they_are_said(transcriber: Transcriber, tmp_path: Path) -> None:
    # The model knows English only: what it makes of Korean is not looked at, but must not move or take anything else.
    english, korean = clip_sound("garage.mp4")[: 35 * media.SOUND_RATE_HZ // 2], sound_of(KOREAN)
    korean = korean[: 14 * media.SOUND_RATE_HZ]
    alone = words(transcripts(transcriber, write_tracks(tmp_path / "english.mkv", [Track(english)], (17.5,))))
    assert [word for word, _, _ in alone] == spoken("garage.mp4")
    path = write_tracks(tmp_path / "both.mkv", [Track(joined(english, korean, english))], (17.5, 14.0, 17.5))
    heard = transcripts(transcriber, path, span_s=20.0)
    near(words(heard[:1]), alone)
    near(words(heard[-1:]), later(alone, 31.5))
    assert [transcript["language"] for transcript in (heard[0], heard[-1])] == ["en", "en"]


def test_the_track_that_was_chosen_is_heard(transcriber: Transcriber, tmp_path: Path) -> None:
    # All tracks are English, whatever they say they are: what is said tells them apart.
    tracks = [
        Track(clip_sound("garage.mp4"), "eng"),
        Track(clip_sound("coast.mp4"), "ger"),
        Track(music(18), "kor", is_default=True),
    ]
    path = write_tracks(tmp_path / "three.mkv", tracks, (10.0, 8.0))
    for language, said in (("en", spoken("garage.mp4")), ("de", spoken("coast.mp4")), (None, []), ("ko", [])):
        found = [word for word, _, _ in words(transcripts(transcriber, path, audio_language=language))]
        assert len(set(found) ^ set(said)) <= 0.15 * len(said)
