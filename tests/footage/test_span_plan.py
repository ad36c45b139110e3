import itertools
from dataclasses import replace

import pytest

from footage.records import Span, Video
from footage.span_plan import plan_spans

VIDEO = Video(700.0, 0.0, 640, 360, 0, 25.0, "h264", True, True)


def test_short_video_is_one_span() -> None:
    assert plan_spans(replace(VIDEO, duration_s=370.0), 300) == (Span(0, 0.0, 370.0),)


def test_long_video_is_cut_at_multiples() -> None:
    assert plan_spans(VIDEO, 300) == (Span(0, 0.0, 300.0), Span(1, 300.0, 600.0), Span(2, 600.0, 700.0))


def test_short_rest_joins_the_span_before() -> None:
    assert plan_spans(replace(VIDEO, duration_s=660.0), 300)[-1] == Span(1, 300.0, 660.0)


def test_video_without_times_is_one_span() -> None:
    assert plan_spans(replace(VIDEO, has_timestamps=False), 300) == (Span(0, 0.0, 700.0),)


@pytest.mark.parametrize("duration_s", [0.04, 7.0, 8.74, 8.76, 36.0, 1234.5])
def test_spans_tile_the_video(duration_s: float) -> None:
    spans = plan_spans(replace(VIDEO, duration_s=duration_s), 7.0)

    assert spans[0].start_s == 0
    assert spans[-1].end_s == duration_s
    assert [span.index for span in spans] == list(range(len(spans)))
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(spans))
    assert all(span.start_s < span.end_s for span in spans)
