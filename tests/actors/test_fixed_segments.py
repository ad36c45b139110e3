"""Segmentation by a fixed length on real files: the scenes of all spans are the scenes of one pass."""

from pathlib import Path

import pytest

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from tests import media
from tests.decoding import WHOLE_S, decode, scenes_of, spans_of, times_of

CLIPS = Path(__file__).parents[2] / "samples" / "clips"


def fixed(segment_s: float, min_segment_s: float, **others: object) -> VideoDecoder:
    return VideoDecoder(
        DecoderSettings.model_validate(
            {"segmentation": "fixed", "segment_s": segment_s, "min_segment_s": min_segment_s, **others}
        )
    )


@pytest.mark.parametrize(
    ("segment_s", "min_segment_s", "expected"),
    [
        (2, 0.5, [(0.0, 2.0), (2.0, 4.0), (4.0, 6.0)]),
        (2.5, 0.5, [(0.0, 2.5), (2.5, 5.0), (5.0, 6.0)]),
        (2.5, 1.0, [(0.0, 2.5), (2.5, 5.0), (5.0, 6.0)]),
        (2.5, 1.5, [(0.0, 2.5), (2.5, 6.0)]),
        (30, 5, [(0.0, 6.0)]),
    ],
)
def test_pieces_of_one_length(
    process: DecoderProcess, tmp_path: Path, segment_s: float, min_segment_s: float, expected: list[tuple[float, float]]
):
    path = media.plain(tmp_path / "a.mp4")
    video = process.probe(path)
    decoder = fixed(segment_s, min_segment_s)
    for span_s in (1, 2.5, 4, WHOLE_S):
        spans = decode(decoder, path, video, span_s)
        assert times_of(spans) == expected
        for span, owned in zip(spans_of(video, span_s), spans, strict=True):
            assert [start_s for start_s, _ in times_of([owned])] == [
                start_s for start_s, _ in expected if span.start_s <= start_s < span.end_s
            ]
        assert all(len(decoded.key_frames) == 3 for decoded in scenes_of(spans))
    decoder.close()


@pytest.mark.parametrize("choice", ["even", "sharpest"])
@pytest.mark.parametrize("segment_s", [3.0, 7.3])
def test_spans_agree_on_samples(process: DecoderProcess, segment_s: float, choice: str):
    decoder = fixed(segment_s, 1.0, key_frame_choice=choice)
    for name in ("railway_variable_rate.mp4", "portrait.mp4", "coast.mp4"):
        video = process.probe(CLIPS / name)
        whole = decode(decoder, CLIPS / name, video)
        assert len(times_of(whole)) > 1
        for span_s in (5, 12):
            assert scenes_of(decode(decoder, CLIPS / name, video, span_s)) == scenes_of(whole)
    decoder.close()


def test_spans_agree_where_no_frame_falls_into_a_piece(process: DecoderProcess, tmp_path: Path):
    # a still that lasts 41 s, then another picture
    times_ms = [40 * number for number in range(25)] + [42_000 + 40 * number for number in range(25)]
    path = media.write_clip(tmp_path / "a.mkv", (1, 1), frame_times_ms=times_ms, sound_codec=None)
    video = process.probe(path)
    decoder = fixed(10, 5)
    whole = decode(decoder, path, video)
    assert times_of(whole) == [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, 43.0)]
    for span_s in (7, 20):
        assert scenes_of(decode(decoder, path, video, span_s)) == scenes_of(whole)
    decoder.close()


def test_without_timestamps_frames_are_counted(process: DecoderProcess, tmp_path: Path):
    path = media.without_timestamps(tmp_path / "a.avi")
    decoder = fixed(2.5, 0.5)
    assert times_of(decode(decoder, path, process.probe(path))) == [(0.0, 2.5), (2.5, 5.0), (5.0, 6.0)]
    decoder.close()


def test_a_segment_of_an_hour_holds_few_pictures(process: DecoderProcess, tmp_path: Path):
    path = media.write_clip(tmp_path / "a.mp4", (10.0, 10.0, 20.0), sound_codec=None)
    decoder = fixed(3600, 5, key_frames_per_scene=16)
    ((span,),) = [decode(decoder, path, process.probe(path))]
    assert times_of([span]) == [(0.0, 40.0)]
    assert len(span.scenes[0].key_frames) == 3  # 3600 s / 240: at 0, 15 and 30 s
    decoder.close()
