"""Scenes, pictures and sound of spans, on real files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from footage.errors import VideoError, code_of
from footage.identity import scene_id
from footage.local_sources import file_source
from footage.records import AUDIO_RATE_HZ, DecodedSpan, Video
from footage.span_table import SPAN, table_of
from tests import media
from tests.decoding import VIDEO_ID, decode, image_of, times_of


def samples_of(span: DecodedSpan) -> npt.NDArray[np.int16]:
    return np.frombuffer(span.audio_s16, "<i2")


def onsets_s(span: DecodedSpan) -> list[float]:
    """When the loud bursts begin, in video time."""
    loud = np.flatnonzero(np.abs(samples_of(span)) > 8000)
    firsts = loud[np.diff(loud, prepend=-AUDIO_RATE_HZ) > AUDIO_RATE_HZ // 20]
    return [span.audio_start_s + first / AUDIO_RATE_HZ for first in firsts]


def test_plain(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.plain(tmp_path / "a.mp4")
    (span,) = decode(decoder, path, process.probe(path))
    assert times_of([span]) == [(0.0, 2.0), (2.0, 4.4), (4.4, 6.0)]
    assert [decoded.scene.scene_id for decoded in span.scenes] == [scene_id(VIDEO_ID, s) for s in (0.0, 2.0, 4.4)]
    assert (span.frames_decoded, span.frames_damaged) == (150, 0)
    for number, decoded in enumerate(span.scenes):
        assert len(decoded.key_frames) == 3
        for jpeg in (*decoded.key_frames, decoded.thumbnail):
            image = image_of(jpeg)
            assert image.shape == (108, 192, 3)
            assert np.abs(image[90, 20].astype(int) - media.COLORS[number]).max() < 25


def test_rotated_pictures_are_shown_upright(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.rotated(tmp_path / "a.mp4")
    (span,) = decode(decoder, path, process.probe(path))
    for jpeg in (*span.scenes[0].key_frames, span.scenes[0].thumbnail):
        image = image_of(jpeg)
        assert image.shape == (192, 108, 3)
        # turned clockwise, the bright left half is on top
        assert image[:60].mean() > 1.5 * image[-60:].mean()


def test_pictures_have_the_sizes_of_the_settings(process: DecoderProcess, tmp_path: Path):
    path = media.write_clip(tmp_path / "a.mp4", (2.0,), size=(640, 360), sound_codec=None)
    small = VideoDecoder(DecoderSettings(key_frame_max_px=320, thumbnail_px=64, key_frames_per_scene=2))
    (span,) = decode(small, path, process.probe(path))
    small.close()
    assert [image_of(jpeg).shape for jpeg in span.scenes[0].key_frames] == [(180, 320, 3)] * 2
    assert image_of(span.scenes[0].thumbnail).shape == (36, 64, 3)


def test_variable_frame_rate_is_by_time(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.variable_frame_rate(tmp_path / "a.mp4")
    spans = decode(decoder, path, process.probe(path))
    assert times_of(spans) == [(0.0, 2.0), (2.0, 4.5), (4.5, 6.4)]


def test_without_timestamps_frames_are_counted(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.without_timestamps(tmp_path / "a.avi")
    spans = decode(decoder, path, process.probe(path))
    assert times_of(spans) == [(0.0, 2.0), (2.0, 4.4), (4.4, 6.0)]


def test_a_silent_video_has_no_sound(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.silent(tmp_path / "a.mp4")
    (span,) = decode(decoder, path, process.probe(path))
    assert (span.audio_s16, span.audio_start_s) == (b"", 0.0)


def test_sound_is_placed_by_its_time_stamps(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.write_clip(tmp_path / "a.mkv", sound_codec="pcm_s16le", sound_parts_s=[(0.4, 1.5), (3.5, 6.0)])
    (span,) = decode(decoder, path, process.probe(path))
    assert span.audio_start_s == pytest.approx(0.4, abs=0.001)
    assert len(span.audio_s16) == pytest.approx((6.0 - 0.4) * 2 * AUDIO_RATE_HZ, abs=0.001 * 2 * AUDIO_RATE_HZ)
    assert onsets_s(span) == pytest.approx([0.5, 4.5], abs=0.001)
    gap = samples_of(span)[round(1.2 * AUDIO_RATE_HZ) : round(3.0 * AUDIO_RATE_HZ)]
    assert not gap.any()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
def test_sound_of_a_span_reaches_a_second_beyond_its_scenes(
    decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path, name: str
):
    bursts_s = [0.5 + number for number in range(40)]
    path = media.write_clip(tmp_path / name, (3, 7, 9, 4, 8, 8), bursts_s=bursts_s)
    video = process.probe(path)
    zero_s = video.first_frame_s if name.endswith((".ts", ".flv")) else 0.0
    spans = decode(decoder, path, video, span_s=20)
    assert [len(span.scenes) for span in spans] == [4, 2]
    for span in spans:
        start_s = max(0.0, span.scenes[0].scene.start_s - 1)
        end_s = min(video.duration_s, span.scenes[-1].scene.end_s + 1)
        assert span.audio_start_s == pytest.approx(start_s, abs=0.001)
        assert len(samples_of(span)) / AUDIO_RATE_HZ == pytest.approx(end_s - start_s, abs=0.03)
        expected = [zero_s + burst_s for burst_s in bursts_s if start_s < zero_s + burst_s < end_s - 0.05]
        assert onsets_s(span) == pytest.approx(expected, abs=0.005)  # AAC smears


def test_broken_sound_does_not_lose_the_pictures(
    decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = media.broken_sound(tmp_path / "a.mp4")
    (span,) = decode(decoder, path, process.probe(path))
    assert times_of([span]) == [(0.0, 2.0), (2.0, 4.4), (4.4, 6.0)]
    assert "packets of sound are damaged" in caplog.text


def test_a_few_damaged_packets_are_counted(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.corrupt_middle(tmp_path / "a.mp4")
    (span,) = decode(decoder, path, process.probe(path))
    assert times_of([span])[-1][1] == 6.0
    assert 1 <= span.frames_damaged <= 3


def test_many_damaged_packets_are_refused(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.corrupt_half(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=r"of 150 packets \(\d\d%\)") as caught:
        decode(decoder, path, process.probe(path))
    assert code_of(caught.value) == "undecodable_video"


def row(path: Path, video: Video | None, **fields: object) -> dict[str, object]:
    known = {"span_start_s": 0.0, "span_end_s": video.duration_s, "duration_s": video.duration_s} if video else {}
    return {
        **dict.fromkeys(SPAN.names),
        "run_id": "run",
        "workspace": "w",
        "source_uri": path.name,
        "source_etag": file_source(path).etag,
        "source_size_bytes": 1,
        "path": str(path),
        "video_id": VIDEO_ID,
        "span_index": 0,
        "span_count": 1,
        "first_frame_s": 0.0,
        "has_audio": True,
        "has_timestamps": True,
        "duplicate": False,
        "stage_seconds": [],
        **known,
        **fields,
    }


def test_table(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path, half = media.plain(tmp_path / "a.mp4"), media.corrupt_half(tmp_path / "half.mp4")
    video = process.probe(path)
    table = table_of(
        [
            row(path, video),
            row(half, video),
            row(tmp_path / "gone.mp4", video),
            row(path, None, video_id=None, failure_code="empty_source", failure="It is empty."),
            row(path, video, duplicate=True),
        ],
        SPAN,
    )
    result = decoder(table)
    assert result.schema == pa.schema([*SPAN, *VideoDecoder.ADDS])
    codes = [None, "undecodable_video", "missing_source", "empty_source", None]
    assert result["failure_code"].to_pylist() == codes
    assert result["failure"].to_pylist()[3] == "It is empty."
    unchanged = [name for name in SPAN.names if name not in ("failure_code", "failure")]
    assert result.select(unchanged).equals(table.select(unchanged))
    (span,) = decode(decoder, path, video)
    rows = result.select(VideoDecoder.ADDS.names).to_pylist()
    assert rows[0] == {
        "scene_ids": [decoded.scene.scene_id for decoded in span.scenes],
        "scene_start_s": [0.0, 2.0, 4.4],
        "scene_end_s": [2.0, 4.4, 6.0],
        "key_frames": [list(decoded.key_frames) for decoded in span.scenes],
        "thumbnails": [decoded.thumbnail for decoded in span.scenes],
        "audio_s16": span.audio_s16,
        "audio_start_s": 0.0,
        "frames_decoded": 150,
        "frames_damaged": 0,
        "language_audio_s16": None,
    }
    nothing = {field.name: [] if pa.types.is_list(field.type) else None for field in VideoDecoder.ADDS}
    assert rows[1:] == [nothing] * 4


def test_without_sound_scenes_are_the_same(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    path = media.plain(tmp_path / "a.mp4")
    video = process.probe(path)
    table = table_of([row(path, video), row(path, video, span_index=1, span_count=2, span_start_s=3.0)], SPAN)
    deaf = VideoDecoder(DecoderSettings(), wants_language_sample=True, wants_sound=False)
    result = deaf(table)
    deaf.close()
    heard = decoder(table)
    sound = ["audio_s16", "audio_start_s", "language_audio_s16"]
    rest = [name for name in result.column_names if name not in sound]
    assert result.select(rest).equals(heard.select(rest))
    assert [len(audio) > 0 for audio in heard["audio_s16"].to_pylist()] == [True, True]
    assert result.select(sound).to_pylist() == [dict(zip(sound, (b"", 0.0, None), strict=True))] * 2


class SlowCopyDecoder(VideoDecoder):
    """Another program writes to the file at the end of its decoding."""

    def decode(self, path: Path, *arguments: Any, **fields: Any) -> DecodedSpan:
        span = super().decode(path, *arguments, **fields)
        os.utime(path, ns=(1, 1))
        return span


def test_scenes_of_a_file_that_changed_since_it_was_planned_are_not_kept(process: DecoderProcess, tmp_path: Path):
    path = media.silent(tmp_path / "a.mp4")
    video = process.probe(path)
    decoder = SlowCopyDecoder(DecoderSettings())
    table = table_of([row(path, video), row(path, video, source_etag="of the planned file")], SPAN)
    result = decoder(table)
    decoder.close()
    assert result["failure_code"].to_pylist() == ["source_changed"] * 2
    assert result["scene_ids"].to_pylist() == [[], []]
