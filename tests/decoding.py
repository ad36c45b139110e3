"""Decodes whole videos span by span, for tests."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from actors.video_decoder import VideoDecoder
from footage.records import DecodedScene, DecodedSpan, Span, Video

VIDEO_ID = "00000000-0000-0000-0000-000000000007"
WHOLE_S = 1e6


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
