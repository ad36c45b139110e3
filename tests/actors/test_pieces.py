"""Pieces of one length: what the rule decides, and that no decision depends on where decoding began."""

import bisect
import itertools
import math
import random

import pytest

from actors.pieces import PieceRule

FRAME_S = 0.04


def expected_boundaries(end_s: float, rule: PieceRule) -> list[float]:
    """The rule, said at once for a whole video."""
    multiples = (number * rule.piece_s for number in itertools.count(1))
    before_end = list(itertools.takewhile(lambda boundary_s: boundary_s < end_s, multiples))
    if before_end and before_end[-1] + rule.min_piece_s > end_s:
        before_end.pop()
    return before_end


def boundaries_by_spans(times_s: list[float], end_s: float, rule: PieceRule, span_s: float) -> list[float]:
    """Each span from a frame before its start on, and read on until it is decided."""
    found = []
    span_count = math.ceil(end_s / span_s)
    for index in range(span_count):
        start_s, span_end_s = index * span_s, (index + 1) * span_s
        first = max(0, bisect.bisect_left(times_s, rule.judged_from_s(start_s)) - 1)
        finder = rule.finder(times_s[0], from_video_start=first == 0)
        owned: list[float] = []
        for time_s in times_s[first:]:
            known_until_s = finder.decided_until_s
            given = finder.add(time_s, 0.0)
            assert all(boundary_s >= known_until_s for boundary_s in given)
            owned += given
            if finder.decided_until_s >= span_end_s:
                break
        else:
            owned += finder.finish(end_s)
        is_last = index == span_count - 1
        found += [time_s for time_s in owned if start_s <= time_s and (is_last or time_s < span_end_s)]
    return found


@pytest.mark.parametrize(
    ("end_s", "expected"),
    [
        (0.04, []),
        (29.0, []),
        (30.0, []),
        (34.96, []),  # 4.96 s would follow
        (35.0, [30.0]),
        (64.0, [30.0]),
        (65.0, [30.0, 60.0]),
        (95.0, [30.0, 60.0, 90.0]),
    ],
)
def test_a_short_last_piece_is_joined_to_the_one_before(end_s: float, expected: list[float]):
    assert expected_boundaries(end_s, PieceRule(30.0, 5.0)) == expected
    finder = PieceRule(30.0, 5.0).finder(0.0, from_video_start=True)
    frames = [number * FRAME_S for number in range(round(end_s / FRAME_S))]
    assert [*itertools.chain(*(finder.add(time_s, 0.0) for time_s in frames)), *finder.finish(end_s)] == expected


def test_nothing_follows_the_end():
    finder = PieceRule(30.0, 0.0).finder(0.0, from_video_start=True)
    assert [finder.add(59.96, 0.0), finder.finish(60.0)] == [[30.0], []]


@pytest.mark.parametrize("seed", range(150))
def test_spans_give_the_pieces_of_the_whole(seed: int):
    rng = random.Random(seed)
    piece_s = rng.choice([1.2, 3.0, 7.0, 7.3, 30.0, 45.0])
    rule = PieceRule(piece_s, rng.choice([0.0, 0.5, min(5.0, piece_s), piece_s]))
    # about a multiple, where the end decides
    near_s = rng.randint(0, 6) * piece_s + rng.choice([0.0, rule.min_piece_s]) + rng.randint(-3, 3) * FRAME_S
    end_s = rng.choice([max(near_s, FRAME_S), rng.uniform(0.1, 200.0)])
    if rng.random() < 0.5:
        times_s = [number * FRAME_S for number in range(max(1, round(end_s / FRAME_S)))]
        end_s = times_s[-1] + FRAME_S
    else:  # frames far apart, and a video that starts late
        times_s = sorted({rng.uniform(0.0, end_s) for _ in range(rng.choice([1, 5, 60]))})
    expected = expected_boundaries(end_s, rule)
    for span_s in (2.0, 7.0, 20.0, 33.3, 1e6):
        assert boundaries_by_spans(times_s, end_s, rule, span_s) == expected
    edges = [0.0, *expected, end_s]
    if len(edges) > 2:
        assert min(b - a for a, b in itertools.pairwise(edges)) >= min(rule.min_piece_s, piece_s) - 1e-9
        assert max(b - a for a, b in itertools.pairwise(edges)) <= piece_s + rule.min_piece_s + 1e-9
