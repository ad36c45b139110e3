"""Sound from all over a video."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from actors.decoder_process import DecoderProcess
from actors.language_sample import PIECE_S, PIECES, language_sample
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from footage.local_sources import file_source
from footage.records import AUDIO_RATE_HZ, Video
from footage.span_table import SPAN, table_of
from tests import media
from tests.decoding import VIDEO_ID, spans_of
from tests.media_tracks import Track, hum, write_tracks

SETTINGS = DecoderSettings()


def rising(seconds: int) -> Track:
    """Each second has its own pitch: 300 Hz and 10 Hz more for each second before."""
    return Track(np.concatenate([hum(1, 300 + 10 * number) for number in range(seconds)]), "eng")


def pitches_hz(audio_s16: bytes) -> list[float]:
    """The pitch of each whole second, measured in its middle."""
    samples = np.frombuffer(audio_s16, "<i2").astype(float)
    whole = samples[: len(samples) // AUDIO_RATE_HZ * AUDIO_RATE_HZ].reshape(-1, AUDIO_RATE_HZ)[:, 1000:-1000]
    spectra = np.abs(np.fft.rfft(whole * np.hanning(whole.shape[1]), 4 * AUDIO_RATE_HZ))
    return [round(float(hertz), -1) for hertz in spectra.argmax(axis=1) / 4]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
def test_pieces_lie_evenly_over_the_whole_video(tmp_path: Path, process: DecoderProcess, name: str):
    path = write_tracks(tmp_path / name, [rising(120)], (40.0, 50.0, 30.0))
    sample = language_sample(path, SETTINGS, 120.0)
    assert len(sample) == pytest.approx(PIECES * PIECE_S * AUDIO_RATE_HZ * 2, rel=0.001)
    # 20 s each: the middle 10 of them
    expected = [300.0 + 10 * second for piece in range(PIECES) for second in range(20 * piece + 5, 20 * piece + 15)]
    assert pitches_hz(sample) == expected


def test_of_a_short_video_it_is_the_whole_sound(tmp_path: Path):
    path = write_tracks(tmp_path / "a.mp4", [rising(12)], (12.0,))
    assert pitches_hz(language_sample(path, SETTINGS, 12.0)) == [300.0 + 10 * second for second in range(12)]


def test_broken_sound_and_no_sound_give_no_bytes(tmp_path: Path):
    assert language_sample(media.silent(tmp_path / "a.mp4"), SETTINGS, media.DURATION_S) == b""
    broken = language_sample(media.broken_sound(tmp_path / "b.mp4"), SETTINGS, media.DURATION_S)
    assert len(broken) < AUDIO_RATE_HZ * 2


def rows_of(path: Path, video: Video, span_s: float) -> list[dict[str, object]]:
    spans = spans_of(video, span_s)
    return [
        {
            **dict.fromkeys(SPAN.names),
            "run_id": "run",
            "workspace": "w",
            "source_uri": path.name,
            "source_etag": file_source(path).etag,
            "source_size_bytes": 1,
            "path": str(path),
            "video_id": VIDEO_ID,
            "span_index": span.index,
            "span_count": len(spans),
            "span_start_s": span.start_s,
            "span_end_s": span.end_s,
            "duration_s": video.duration_s,
            "first_frame_s": video.first_frame_s,
            "has_audio": video.has_audio,
            "has_timestamps": video.has_timestamps,
            "duplicate": False,
            "stage_seconds": [],
        }
        for span in spans
    ]


def test_every_span_of_a_video_carries_the_same(process: DecoderProcess, tmp_path: Path):
    path, silent = write_tracks(tmp_path / "a.mp4", [rising(30)], (30.0,)), media.silent(tmp_path / "b.mp4")
    video = process.probe(path)
    table = table_of(
        [*rows_of(path, video, 7), *rows_of(path, video, 60), *rows_of(silent, process.probe(silent), 2)], SPAN
    )
    asked, unasked = VideoDecoder(SETTINGS, wants_language_sample=True), VideoDecoder(SETTINGS)
    result, without = asked(table), unasked(table)
    asked.close()
    unasked.close()
    field = VideoDecoder.ADDS.field("language_audio_s16")
    assert field.type == pa.large_binary()
    sample = language_sample(path, SETTINGS, video.duration_s)
    assert len(sample) == pytest.approx(30 * AUDIO_RATE_HZ * 2, rel=0.01)
    assert result[field.name].to_pylist() == [sample] * 5 + [None] * (table.num_rows - 5)
    assert result.drop_columns([field.name]).equals(without.drop_columns([field.name]))
    assert without[field.name].to_pylist() == [None] * table.num_rows
