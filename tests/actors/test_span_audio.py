"""Sound placed by its time stamps: gaps, overlaps, cuts."""

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest

from actors.span_audio import SpanAudio
from footage.records import AUDIO_RATE_HZ


def frame(start_s: float | None, level: int, seconds: float = 0.1, rate_hz: int = AUDIO_RATE_HZ) -> av.AudioFrame:
    """A frame of constant samples; without a start it has no time stamp."""
    samples = np.full((1, round(seconds * rate_hz)), level, np.int16)
    made = av.AudioFrame.from_ndarray(samples, "s16", "mono")
    made.sample_rate, made.time_base = rate_hz, Fraction(1, rate_hz)
    made.pts = None if start_s is None else round(start_s * rate_hz)
    return made


def seconds_of(stamped: av.AudioFrame) -> float | None:
    return None if stamped.pts is None else float(stamped.pts * stamped.time_base)


def heard(audio: SpanAudio, start_s: float, end_s: float) -> tuple[list[tuple[int, float]], float]:
    """Runs of equal samples as (level, seconds), and the start."""
    data, first_s = audio.cut(start_s, end_s)
    samples = np.frombuffer(data, "<i2")
    edges = [0, *(np.flatnonzero(np.diff(samples)) + 1), len(samples)]
    return [(int(samples[a]), (b - a) / AUDIO_RATE_HZ) for a, b in itertools.pairwise(edges)], first_s


def test_gaps_are_silence_and_overlaps_are_trimmed():
    audio = SpanAudio(0.0, seconds_of)
    audio.add(frame(0.2, 5))
    audio.add(frame(0.3, 6))  # follows
    audio.add(frame(0.6, 7))  # after a gap
    audio.add(frame(0.65, 8))  # half of it overlaps
    assert heard(audio, 0.0, 10.0) == ([(5, 0.1), (6, 0.1), (0, 0.2), (7, 0.1), (8, 0.05)], 0.2)


def test_a_jitter_of_stamps_makes_no_gaps():
    audio = SpanAudio(0.0, seconds_of)
    for start_s in (0.0, 0.104, 0.197, 0.301):
        audio.add(frame(start_s, 5))
    assert heard(audio, 0.0, 1.0) == ([(5, 0.4)], 0.0)


def test_without_stamps_frames_follow_each_other():
    audio = SpanAudio(0.0, lambda _: None)
    for level in (5, 6, 7):
        audio.add(frame(None, level))
    assert heard(audio, 0.0, 1.0) == ([(5, 0.1), (6, 0.1), (7, 0.1)], 0.0)


def test_it_is_cut_to_the_range():
    audio = SpanAudio(0.15, seconds_of)
    for number in range(10):
        audio.add(frame(number / 10, number + 1))
    assert heard(audio, 0.25, 0.55) == ([(3, 0.05), (4, 0.1), (5, 0.1), (6, 0.05)], 0.25)


def test_nothing_heard_is_no_bytes():
    assert SpanAudio(0.0, seconds_of).cut(0.0, 10.0) == (b"", 0.0)
    audio = SpanAudio(0.0, seconds_of)
    audio.add(frame(20.0, 5))
    assert audio.cut(0.0, 10.0) == (b"", 0.0)


def test_a_stamp_far_away_costs_no_memory():
    audio = SpanAudio(0.0, seconds_of)
    audio.add(frame(0.0, 5))
    audio.add(frame(1e9, 6))
    assert heard(audio, 0.0, 1.0) == ([(5, 0.1)], 0.0)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled(rate_hz: int):
    audio = SpanAudio(0.0, seconds_of)
    for number in range(20):
        audio.add(frame(number / 10, 1000, rate_hz=rate_hz))
    data, first_s = audio.cut(0.0, 10.0)
    samples = np.frombuffer(data, "<i2")
    assert first_s == 0.0
    assert abs(len(samples) - 2 * AUDIO_RATE_HZ) <= 16
    assert np.abs(samples[200:-200] - 1000).max() <= 2


def test_a_change_of_format_starts_anew():
    audio = SpanAudio(0.0, seconds_of)
    audio.add(frame(0.0, 5))
    audio.add(frame(0.1, 1000, rate_hz=48_000))
    data, _ = audio.cut(0.0, 1.0)
    assert abs(len(data) // 2 - 0.2 * AUDIO_RATE_HZ) <= 16
