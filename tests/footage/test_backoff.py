"""Pauses between tries: they grow, differ, and are as long as the server asks for."""

import time
from email.utils import formatdate

import pytest

from footage.backoff import pause_s, retry_after_s


def spread(failures: int, growth: float = 2.0, wanted_s: float = 0.0) -> tuple[float, float]:
    """The shortest and the longest of many pauses that grow from 0.2 s to 10 s."""
    pauses = [pause_s(failures, 0.2, 10.0, growth, wanted_s) for _ in range(2000)]
    return round(min(pauses), 1), round(max(pauses), 1)


def test_pauses_grow_and_half_of_each_is_by_chance() -> None:
    assert [spread(failures) for failures in (1, 2, 3)] == [(0.1, 0.2), (0.2, 0.4), (0.4, 0.8)]
    assert spread(3, growth=3.0) == (0.9, 1.8)
    assert [spread(failures, growth=3.0) for failures in (20, 700, 10**9)] == [(5, 10)] * 3


def test_a_pause_is_as_long_as_the_server_asks_for_and_by_chance_still() -> None:
    assert spread(1, wanted_s=0.05) == (0.1, 0.2)
    assert spread(5, wanted_s=60) == (60, 61.6)
    assert pause_s(1, 0, 10.0, wanted_s=7) == 7


@pytest.mark.parametrize(
    ("header", "wanted_s"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-7", 0.0),
        ("²", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0.0),  # before what a clock can tell
    ],
)
def test_retry_after_in_seconds_or_not_to_be_obeyed(header: str, wanted_s: float) -> None:
    assert retry_after_s(header) == wanted_s


def test_retry_after_as_a_date() -> None:
    assert 3000 < retry_after_s(formatdate(time.time() + 3600, usegmt=True)) <= 3600
