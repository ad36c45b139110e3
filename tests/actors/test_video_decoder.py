"""Scenes, pictures and sound of spans, on real files."""

import itertools
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.errors import VideoError, code_of
from footage.identity import scene_id
from footage.records import AUDIO_RATE_HZ, DecodedScene, DecodedSpan, Span, Video
from footage.settings import DecoderSettings
from footage.span_table import SPAN, table_of
from tests import media

SAMPLES = Path(__file__).parents[2] / "samples"
TRUTH = {clip["file"]: clip for clip in json.loads((SAMPLES / "truth.json").read_text())["clips"]}
VIDEO_ID = str(uuid.UUID(int=7))
WHOLE_S = 1e6


@pytest.fixture(scope="module")
def decoder() -> Iterator[VideoDecoder]:
    made = VideoDecoder(DecoderSettings())
    yield made
    made.close()


@pytest.fixture(scope="module")
def process() -> Iterator[DecoderProcess]:
    with DecoderProcess(DecoderSettings()) as made:
        yield made


def spans_of(video: Video, span_s: float) -> list[Span]:
    count = max(1, int(np.ceil(video.duration_s / span_s))) if video.has_timestamps else 1
    return [Span(index, index * span_s, min((index + 1) * span_s, video.duration_s)) for index in range(count)]


def decode(decoder: VideoDecoder, path: Path, video: Video, span_s: float = WHOLE_S) -> list[DecodedSpan]:
    spans = spans_of(video, span_s)
    return [
        decoder.decode(
            path,
            VIDEO_ID,
            span,
            is_last=span is spans[-1],
            first_frame_s=video.first_frame_s,
            has_audio=video.has_audio,
            has_timestamps=video.has_timestamps,
        )
        for span in spans
    ]


def scenes_of(spans: list[DecodedSpan]) -> list[DecodedScene]:
    return [scene for span in spans for scene in span.scenes]


def times_of(spans: list[DecodedSpan]) -> list[tuple[float, float]]:
    return [(decoded.scene.start_s, decoded.scene.end_s) for decoded in scenes_of(spans)]


def image_of(jpeg: bytes) -> npt.NDArray[np.uint8]:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


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


def test_a_long_shot_is_divided_and_every_part_has_pictures(
    decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path
):
    path = media.write_clip(tmp_path / "a.mp4", (40,), sound_codec=None)
    video = process.probe(path)
    for span_s in (7, 16, WHOLE_S):
        spans = decode(decoder, path, video, span_s)
        assert times_of(spans) == [(0.0, 15.0), (15.0, 30.0), (30.0, 40.0)]
        assert all(len(decoded.key_frames) == 3 for decoded in scenes_of(spans))


def test_a_scene_without_a_frame_shows_the_one_before(decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path):
    # a still that lasts 41 s, then another picture: as slide shows are recorded
    times_ms = [40 * number for number in range(25)] + [42_000 + 40 * number for number in range(25)]
    path = media.write_clip(tmp_path / "a.mkv", (1, 1), frame_times_ms=times_ms, sound_codec=None)
    video = process.probe(path)
    whole = decode(decoder, path, video)
    assert times_of(whole) == [(0.0, 15.0), (15.0, 30.0), (30.0, 42.0), (42.0, 43.0)]
    still = image_of(scenes_of(whole)[1].key_frames[0])
    assert np.abs(still[90, 20].astype(int) - media.COLORS[0]).max() < 25
    assert scenes_of(decode(decoder, path, video, span_s=7)) == scenes_of(whole)


@pytest.mark.parametrize(
    ("container", "b_frames"), [("mp4", "3"), ("mp4", "0"), ("matroska", "3"), ("mpegts", "3"), ("flv", "3")]
)
def test_spans_agree_in_every_container(
    decoder: VideoDecoder, process: DecoderProcess, tmp_path: Path, container: str, b_frames: str
):
    options = {**media.H264, "g": "120", "bf": b_frames}
    path = media.write_clip(tmp_path / "a.bin", (2, 5, 17, 0.8, 6), container_format=container, codec_options=options)
    video = process.probe(path)
    whole = scenes_of(decode(decoder, path, video))
    assert len(whole) == 5
    for span_s in (7, 20):
        assert scenes_of(decode(decoder, path, video, span_s)) == whole


def test_spans_agree_where_frames_lie_far_apart(process: DecoderProcess, tmp_path: Path):
    # 25 frames a second up to 10 s, then 2 up to 50 s, then 25 again; each a key frame, so that a seek lands close
    steps_ms = [40] * 250 + [500] * 80 + [40] * 249
    times_ms = list(itertools.accumulate(steps_ms, initial=0))
    scenes_s = [count / 25 for count in (100, 170, 10, 20, 23, 107, 150)]  # cuts at 4, 20, 25, 35, 46.5 and 54 s
    path = media.write_clip(
        tmp_path / "a.mkv",
        scenes_s,
        frame_times_ms=times_ms,
        codec_options={**media.H264, "g": "1"},
        sound_codec=None,
    )
    video = process.probe(path)
    # with such marks the one at 48 s hangs on the cut at 46.5 s, which a span from 48 s on must see three frames before
    decoder = VideoDecoder(DecoderSettings(max_shot_s=2, min_scene_s=0.1))
    whole = decode(decoder, path, video)
    starts_s = {start_s for start_s, _ in times_of(whole)}
    assert {4.0, 20.0, 25.0, 35.0, 46.5, 54.0} <= starts_s
    assert 48.0 not in starts_s
    for span_s in (3, 7, 20):
        assert scenes_of(decode(decoder, path, video, span_s)) == scenes_of(whole)
    decoder.close()


@pytest.mark.parametrize("name", TRUTH)
def test_samples_have_the_cuts_of_their_truth(decoder: VideoDecoder, process: DecoderProcess, name: str):
    path, clip = SAMPLES / "clips" / name, TRUTH[name]
    video = process.probe(path)
    whole = decode(decoder, path, video)
    times_s = times_of(whole)
    assert max(end_s - start_s for start_s, end_s in times_s) <= 2 * DecoderSettings().max_shot_s
    cuts_s = [start_s for start_s, _ in times_s[1:] if start_s % DecoderSettings().max_shot_s or _is_cut(clip, start_s)]
    assert cuts_s == pytest.approx([cut["time_s"] for cut in clip["cuts"]], abs=1 / clip["frame_rate"])
    for span_s in (7, 20):
        spans = decode(decoder, path, video, span_s)
        assert scenes_of(spans) == scenes_of(whole)  # ids, times, and every byte of the pictures


def _is_cut(clip: dict[str, list[dict[str, float]]], time_s: float) -> bool:
    return any(abs(cut["time_s"] - time_s) < 0.04 for cut in clip["cuts"])


def row(path: Path, video: Video | None, **fields: object) -> dict[str, object]:
    known = {"span_start_s": 0.0, "span_end_s": video.duration_s, "duration_s": video.duration_s} if video else {}
    return {
        **dict.fromkeys(SPAN.names),
        "run_id": "run",
        "workspace": "w",
        "source_uri": path.name,
        "source_etag": "1",
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
    }
    nothing = {field.name: [] if pa.types.is_list(field.type) else None for field in VideoDecoder.ADDS}
    assert rows[1:] == [nothing] * 4
