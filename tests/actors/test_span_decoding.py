"""The scenes of all spans of a video are the scenes of one pass over it, on real files."""

import itertools
import json
from pathlib import Path

import av
import numpy as np
import pytest

from actors.decoder_process import DecoderProcess
from actors.media_file import open_media
from actors.span_decoding import _SpanPass
from actors.span_request import SpanRequest
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from tests import media
from tests.decoding import WHOLE_S, decode, image_of, scenes_of, times_of

SAMPLES = Path(__file__).parents[2] / "samples"
TRUTH = {clip["file"]: clip for clip in json.loads((SAMPLES / "truth.json").read_text())["clips"]}


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


class CountingPass(_SpanPass):
    """Notes the highest number of frames that were held at once."""

    most_held = 0

    def _take_frame(self, frame: av.VideoFrame) -> None:
        super()._take_frame(frame)
        self.most_held = max(self.most_held, len(self._pictures._held))


def test_a_strobe_is_not_held_frame_by_frame(tmp_path: Path):
    rate, seconds = 120, 20
    scenes_s = (1 / rate,) * (rate * seconds)  # another colour in each frame
    path = media.write_clip(tmp_path / "a.mp4", scenes_s, rate=rate, size=(64, 36), sound_codec=None)
    settings = DecoderSettings()
    request = SpanRequest(path, 0.0, seconds, True, 0.0, has_audio=False, has_timestamps=True)
    with open_media(path, settings.limits) as opened:
        counting = CountingPass(opened, request, settings, None)
        result = counting.run()
    assert result.frames_decoded == rate * seconds
    assert [(scene.start_s, scene.end_s) for scene in result.scenes] == [(0.0, 15.0), (15.0, 20.0)]
    on_grid = 2 * settings.max_shot_s / settings.key_frame_interval_s  # a scene is at most twice as long as a shot
    undecided = rate * settings.min_scene_s + 8
    assert counting.most_held <= on_grid + undecided
