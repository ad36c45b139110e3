"""Reads subtitle files as a player does that knows the formats and nothing of how ours were made."""

import html
import re
from dataclasses import dataclass

_TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)[.,](\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)[.,](\d{3})")


@dataclass(frozen=True)
class Shown:
    start_ms: int
    end_ms: int
    lines: list[str]


def read_srt(text: str) -> list[Shown]:
    """Blocks between blank lines: a number from 1 on, times, text."""
    blocks = _blocks(text)
    assert [block[0] for block in blocks] == [str(number) for number in range(1, len(blocks) + 1)]
    assert "." not in "".join(block[1] for block in blocks)
    assert not any("-->" in line for block in blocks for line in block[2:])
    return [_shown(block[1:]) for block in blocks]


def read_vtt(text: str) -> list[Shown]:
    """After the head: blocks of times and text, in which & < > are escaped."""
    head, *blocks = _blocks(text)
    assert head == ["WEBVTT"]
    assert "," not in "".join(block[0] for block in blocks)
    for block in blocks:
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", "".join(block[1:]))
    return [_shown([block[0], *map(html.unescape, block[1:])]) for block in blocks]


def _blocks(text: str) -> list[list[str]]:
    assert text == "" or text.endswith("\n\n")
    assert "\r" not in text
    return [block.split("\n") for block in text.removesuffix("\n\n").split("\n\n")] if text else []


def _shown(block: list[str]) -> Shown:
    match = _TIMES.fullmatch(block[0])
    assert match is not None, block
    hours, minutes, seconds, ms, *end = map(int, match.groups())
    return Shown(_ms(hours, minutes, seconds, ms), _ms(*end), block[1:])


def _ms(hours: int, minutes: int, seconds: int, ms: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
