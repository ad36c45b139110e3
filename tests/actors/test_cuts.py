"""The cut rule on made series of scores: what it decides, and that no decision depends on where decoding began."""

import itertools
import random
from dataclasses import dataclass

import pytest

from actors.cuts import WINDOW, BoundaryFinder, CutRule

RULE = CutRule(min_score=15, ratio=3.5, min_scene_s=0.6, max_shot_s=15)
ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Series:
    times_s: list[float]
    scores: list[float]
    end_s: float


def calm(seconds: float, cuts_s: dict[float, float], fps: float = 25.0, first_s: float = 0.0) -> Series:
    """A still video that scores 1, and more at the frames of these times."""
    times_s = [first_s + number / fps for number in range(round(seconds * fps))]
    scores = [1.0] * len(times_s)
    scores[0] = 0.0
    for cut_s, score in cuts_s.items():
        scores[round((cut_s - first_s) * fps)] = score
    return Series(times_s, scores, first_s + seconds)


def boundaries(series: Series, rule: CutRule = RULE) -> list[float]:
    finder = BoundaryFinder(rule, series.times_s[0])
    found = []
    for time_s, score in zip(series.times_s, series.scores, strict=True):
        known_until_s = finder.decided_until_s
        given = finder.add(time_s, score)
        assert all(boundary_s >= known_until_s for boundary_s in given)
        found += given
    return found + finder.finish(series.end_s)


def boundaries_by_spans(series: Series, span_s: float, rule: CutRule = RULE) -> list[float]:
    """The same, each span decided from the frames that CutRule says it needs, and read on until it is decided."""
    found = []
    span_count = int(series.times_s[-1] // span_s) + 1
    for index in range(span_count):
        start_s, end_s = index * span_s, (index + 1) * span_s
        needed_s = rule.cuts_needed_from_s(start_s) - rule.min_scene_s
        first = next(number for number, time_s in enumerate(series.times_s) if time_s >= needed_s)
        first = max(0, first - WINDOW - 1)
        finder = BoundaryFinder(rule, series.times_s[0], from_video_start=first == 0)
        owned: list[float] = []
        for number in range(first, len(series.times_s)):
            score = series.scores[number] if number > first else 0.0
            owned += finder.add(series.times_s[number], score)
            if finder.decided_until_s >= end_s:
                break
        else:
            owned += finder.finish(series.end_s)
        is_last = index == span_count - 1
        found += [time_s for time_s in owned if start_s <= time_s and (is_last or time_s < end_s)]
    return found


def made_series(seed: int) -> Series:
    """Scores of noise with cuts: rare, frequent, or a strobe; steady or variable frame rate."""
    rng = random.Random(seed)
    count = rng.choice([300, 1500, 4000])
    if rng.random() < 0.7:
        fps = rng.choice([5.0, 24.0, 25.0, 30000 / 1001, 60.0])
        times_s = [number / fps for number in range(count)]
    else:
        steps = [rng.choice([0.02, 0.04, 0.04, 0.1, 0.5]) for _ in range(count)]
        times_s = list(itertools.accumulate(steps, initial=rng.choice([0.0, 0.08])))[:count]
    scores = [abs(rng.gauss(3, 1)) for _ in times_s]
    kind = rng.random()
    share, every = rng.choice([0.001, 0.005, 0.02]), rng.choice([8, 12, 14])
    for number in range(1, count):
        if (kind < 0.7 and rng.random() < share) or (kind >= 0.7 and number % every == 5):
            scores[number] = rng.choice([rng.uniform(30, 120), 60.0])
    scores[0] = 0.0
    return Series(times_s, scores, times_s[-1] + 0.04)


def test_a_frame_that_stands_out_is_a_cut():
    assert boundaries(calm(10, {3.0: 40.0, 7.0: 16.0})) == [3.0, 7.0]


def test_scores_below_the_least_or_like_their_neighbours_are_none():
    assert boundaries(calm(10, {3.0: 14.9})) == []
    assert boundaries(calm(10, {3.0: 40.0, 3.04: 39.0, 3.08: 41.0})) == []  # motion, not a cut


def test_the_better_of_two_near_cuts_wins_and_of_equals_the_earlier():
    assert boundaries(calm(10, {3.0: 40.0, 3.4: 60.0})) == [3.4]
    assert boundaries(calm(10, {3.0: 60.0, 3.4: 60.0})) == [3.0]
    assert boundaries(calm(10, {3.0: 40.0, 3.6: 60.0})) == [3.0, 3.6]  # min_scene_s apart: not near


def test_no_cut_within_the_first_moments():
    assert boundaries(calm(10, {0.56: 60.0})) == []
    assert boundaries(calm(10, {0.6: 60.0})) == [0.6]
    assert boundaries(calm(10, {5.56: 60.0}, first_s=5.0)) == []


def test_a_long_shot_is_divided_at_marks():
    assert boundaries(calm(50, {})) == [15.0, 30.0, 45.0]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(15.0, []), (15.6, []), (15.64, [15.0]), (30.6, [15.0]), (30.64, [15.0, 30.0])]
)
def test_no_mark_makes_a_last_scene_shorter_than_a_scene(seconds: float, expected: list[float]):
    assert boundaries(calm(seconds, {})) == expected


@pytest.mark.parametrize(
    ("cut_s", "expected"),
    [
        (0.6, [0.6, 15.0]),  # before the first mark's window
        (0.64, [0.64]),  # in it
        (15.6, [15.6]),
        (15.64, [15.0, 15.64]),  # after it: in the second mark's
    ],
)
def test_a_cut_in_its_window_takes_the_place_of_a_mark(cut_s: float, expected: list[float]):
    assert boundaries(calm(30, {cut_s: 50.0})) == expected


def test_windows_tile_time():
    # with windows (kG - G, kG] and (kG, kG + m] both marks would fall away and a scene would last 30.55 s
    cuts = {15.04: 50.0, 45.6: 50.0}
    assert boundaries(calm(60, cuts)) == [15.04, 30.0, 45.6]


@pytest.mark.parametrize("seed", range(80))
def test_spans_give_the_boundaries_of_the_whole(seed: int):
    series = made_series(seed)
    whole = boundaries(series)
    for span_s in (5.0, 7.0, 20.0, 33.3):
        assert boundaries_by_spans(series, span_s) == whole


@pytest.mark.parametrize("seed", range(80))
def test_scenes_are_neither_too_long_nor_made_too_short(seed: int):
    series = made_series(seed)
    found = boundaries(series)
    assert found == sorted(set(found))
    edges = [0.0, *found, series.end_s]
    longest_s = max(b - a for a, b in itertools.pairwise(edges))
    assert longest_s <= 2 * RULE.max_shot_s
    marks = {number * RULE.max_shot_s for number in range(1, 200)} - set(series.times_s)
    for a, b in itertools.pairwise(edges):
        if a in marks or b in marks:
            assert b - a > RULE.min_scene_s - ROUNDING_S


def test_memory_does_not_grow_with_the_video():
    finder = BoundaryFinder(RULE, 0.0)
    for number in range(50_000):
        finder.add(number / 25, 60.0 if number % 8 == 5 else 1.0)  # a strobe
    assert len(finder._candidates) < 10


def test_first_mark_at_or_after_a_time():
    assert [RULE.next_mark(time_s) for time_s in (0.0, 14.9, 15.0, 15.1, 30.0)] == [1, 1, 1, 2, 2]
    thirds = CutRule(15, 3.5, 0.6, 0.1 * 3)
    assert thirds.next_mark(3 * thirds.max_shot_s) == 3  # 0.9 / 0.3 is not quite 3 in floats
