"""How a video is divided into spans."""

import math

from footage.records import Span, Video


def plan_spans(video: Video, span_s: float) -> tuple[Span, ...]:
    """The spans of a video, without gap or overlap; the last one ends with the video.

    A video whose frames carry no usable times is one span: nothing could be sought in it. A last piece shorter
    than a quarter of a span is joined to the one before, since each span costs its margins.
    """
    if not video.has_timestamps or video.duration_s <= 1.25 * span_s:
        return (Span(0, 0.0, video.duration_s),)
    count = math.ceil(video.duration_s / span_s - 0.25)
    starts = [index * span_s for index in range(count)]
    ends = [*starts[1:], video.duration_s]
    return tuple(Span(index, start, end) for index, (start, end) in enumerate(zip(starts, ends, strict=True)))
