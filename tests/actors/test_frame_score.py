"""The frame score equals PySceneDetect's."""

from pathlib import Path

import av
import pytest
from scenedetect import FrameTimecode, StatsManager
from scenedetect.detectors import ContentDetector

from actors.frame_score import FrameScorer, small_size
from tests import media


def test_scores_equal_content_val(tmp_path: Path):
    path = media.silent(tmp_path / "clip.mp4")
    scorer, detector = FrameScorer(160), ContentDetector()
    detector.stats_manager = StatsManager()
    scores, expected = [], []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            scores.append(scorer.score(frame))
            small = frame.reformat(width=160, height=90, format="bgr24", interpolation="FAST_BILINEAR", threads=1)
            time = FrameTimecode(number, 25.0)
            detector.process_frame(time, small.to_ndarray())
            expected += detector.stats_manager.get_metrics(time, ["content_val"]) if number else [0.0]
    assert scores == pytest.approx(expected, abs=1e-9)
    assert max(scores) > 30


def test_sizes_are_never_enlarged_and_never_absurd():
    assert small_size(1920, 1080, 160) == (160, 90)
    assert small_size(1080, 1920, 160) == (160, 284)
    assert small_size(64, 48, 160) == (64, 48)
    assert small_size(16, 60_000, 160) == (16, 640)
