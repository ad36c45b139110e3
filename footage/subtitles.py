"""Subtitles of a video from the sidecars of its scenes, as SubRip (.srt) or WebVTT (.vtt)."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Literal

from footage.sidecar import Sidecar
from footage.subtitle_cues import Cue, cues
from footage.subtitle_words import spoken_words

SubtitleFormat = Literal["srt", "vtt"]

MEDIA_TYPES: dict[SubtitleFormat, str] = {
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",  # always UTF-8
}

# SubRip has no escapes. Players differ in what they take for markup; a word joiner, which is not seen, keeps it apart.
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|\\")
_ARROW = re.compile("-{2,}>")
_BRACES = str.maketrans("{}", "()")  # what stands between braces is hidden by those that go by way of ASS


def subtitles(sidecars: Iterable[Sidecar], format: SubtitleFormat) -> Iterator[str]:
    """The text of a subtitle file, piece by piece: a head (of vtt), then one cue after the other.

    Cues follow the rules of subtitle_cues.py; words' times are the transcript's, and a segment without words is
    spread evenly over its time. Whatever was heard stays text: it can neither end a cue nor be markup. A video
    without speech has no cues: an srt is then empty, a vtt only has its head.

    Args:
        sidecars: of a video's scenes, in time order. They are taken as the text is asked for.
        format: of the file; it is UTF-8.
    """
    if format == "vtt":
        yield "WEBVTT\n\n"
    for number, cue in enumerate(cues(spoken_words(sidecars)), start=1):
        yield _vtt(cue) if format == "vtt" else _srt(number, cue)


def _vtt(cue: Cue) -> str:
    """A cue block of https://www.w3.org/TR/webvtt1/#introduction-other-features; `-->` goes with its `>`."""
    text = "\n".join(escape(line, quote=False) for line in cue.lines)
    return f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{text}\n\n"


def _srt(number: int, cue: Cue) -> str:
    text = "\n".join(_MARKUP.sub("\\g<0>\u2060", _ARROW.sub("→", line)).translate(_BRACES) for line in cue.lines)
    return f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{text}\n\n"


def _time(ms: int, point: str) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{ms:03d}"
