"""The sound track that is heard is the one asked for, and works."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from av.stream import Disposition

from actors.decoder_process import DecoderProcess
from actors.media_file import open_media
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderLimits, DecoderSettings
from footage.records import AUDIO_RATE_HZ
from tests.decoding import decode
from tests.media_tracks import Track, hum, silence, spoil_track, write_tracks

SECONDS = 4.0
PITCHES_HZ = (300.0, 600.0, 900.0)
ENGLISH, GERMAN, FRENCH = (hum(SECONDS, pitch_hz) for pitch_hz in PITCHES_HZ)


def pitch_hz(audio_s16: bytes) -> float:
    samples = np.frombuffer(audio_s16, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * AUDIO_RATE_HZ / len(samples))


def chosen(path: Path, language: str | None) -> int | None:
    """The number of the sound track that is heard, from 0."""
    with open_media(path, DecoderLimits(), language) as media:
        return None if media.audio is None else media.container.streams.audio.index(media.audio)


def three(default: int | None) -> list[Track]:
    made = zip(("eng", "ger", "fre"), (ENGLISH, GERMAN, FRENCH), strict=True)
    return [Track(samples, language, number == default) for number, (language, samples) in enumerate(made)]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize(
    ("language", "expected"),
    [(None, 1), ("en", 0), ("eng", 0), ("de", 1), ("deu", 1), ("fr-CA", 2), ("fra", 2), ("ja", 1), ("und", 1)],
)
def test_a_track_is_chosen_by_language_or_by_default(tmp_path: Path, name: str, language: str | None, expected: int):
    path = write_tracks(tmp_path / name, three(default=1), (0.4,))
    assert chosen(path, language) == expected


@pytest.mark.parametrize(
    ("tracks", "language", "expected"),
    [
        ([Track(ENGLISH), Track(GERMAN)], None, 0),  # no flags: the first
        ([Track(ENGLISH), Track(GERMAN)], "de", 0),  # no tags either
        ([Track(ENGLISH, "eng", disposition=Disposition.comment), Track(GERMAN, "eng")], "en", 1),
        ([Track(ENGLISH, "eng", disposition=Disposition.comment), Track(GERMAN, "ger")], "en", 0),
        ([Track(ENGLISH, "eng"), Track(GERMAN, "eng", is_default=True)], "en", 1),
    ],
)
def test_among_equals_the_default_and_the_film_itself(
    tmp_path: Path, tracks: Sequence[Track], language: str | None, expected: int
):
    path = write_tracks(tmp_path / "a.mkv", tracks, (0.4,))
    assert chosen(path, language) == expected


def test_a_track_that_does_not_decode_is_passed_over(tmp_path: Path):
    path = spoil_track(write_tracks(tmp_path / "a.mp4", three(default=0), (2.0,)), 0)
    assert [chosen(path, language) for language in (None, "en", "de", "fr")] == [1, 1, 1, 2]


def test_a_track_without_a_packet_is_passed_over(tmp_path: Path):
    path = write_tracks(tmp_path / "a.mkv", [Track(silence(0), "eng", is_default=True), Track(GERMAN, "ger")], (2.0,))
    assert chosen(path, "en") == 1


def test_where_no_track_decodes_the_first_choice_stays(tmp_path: Path):
    path = write_tracks(tmp_path / "a.mp4", three(default=2), (2.0,))
    for number in range(3):
        spoil_track(path, number)
    assert chosen(path, None) == 2


def test_the_chosen_track_is_the_one_that_is_heard(
    process: DecoderProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = write_tracks(tmp_path / "a.mkv", three(default=1), (SECONDS,))
    video = process.probe(path)
    with caplog.at_level(logging.INFO):
        for language, expected in ((None, 1), ("en", 0), ("fr", 2)):
            decoder = VideoDecoder(DecoderSettings(audio_language=language))
            for span_s in (2.0, SECONDS):
                for span in decode(decoder, path, video, span_s):
                    if span.scenes:
                        assert pitch_hz(span.audio_s16) == pytest.approx(PITCHES_HZ[expected], abs=5)
            decoder.close()
    assert "a.mkv: the sound is track 3 of 3 (fre)" in caplog.text
