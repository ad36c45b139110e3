"""What is said in a video as a stream of words that a line may break between, from the sidecars of its scenes."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from footage.highlights import UNSPACED
from footage.sidecar import Sidecar, StoredSegment, StoredWord

LINE_COLUMNS = 42  # Netflix Timed Text Style Guide, English: characters in a line

# Small kana, marks of length and of repetition: no line begins with one (JIS X 4051).
_NOT_FIRST = frozenset("ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々ゝゞヽヾ")
_OPENING, _CLOSING = ("Ps", "Pi"), ("Pe", "Pf", "Po", "Pd", "Mn", "Mc", "Me", "Sk", "Cf")
_DIRECTED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")  # they turn around what stands beside the text
_NOT_TEXT = re.compile("[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")  # spaces, controls
_SURROGATE = re.compile("[\ud800-\udfff]")  # no UTF-8 has them
_PIECE_CHARS = 4 * LINE_COLUMNS  # marks above marks have no width
_HEARD_TWICE = 3  # words: sound that two spans share is shorter


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A piece of a line that stays whole: a word with its punctuation, or one character of a script without spaces."""

    start_s: float
    end_s: float
    text: str  # without spaces, at most LINE_COLUMNS wide
    is_spaced: bool  # a space stands before it, unless a line begins with it


def columns(text: str) -> int:
    """How wide a text is shown: 2 for a character of a wide script, 0 for what is drawn onto the one before, else 1."""
    if text.isascii():
        return len(text)
    return sum(_width(char) for char in text)


def spoken_words(sidecars: Iterable[Sidecar]) -> Iterator[SpokenWord]:
    """The words of scenes that come in time order, with times that do not go back.

    A word that lies across a border of scenes and was heard on both sides is given once.
    """
    last: SpokenWord | None = None
    before: list[SpokenWord] = []  # the last words of the scene before
    for sidecar in sidecars:
        of_scene: list[SpokenWord] = []
        is_border = True
        for word in _of_scene(sidecar):
            is_border = is_border and any(_is_same(word, other) for other in before)
            if is_border:
                continue
            start_s = max(word.start_s, last.start_s) if last is not None else word.start_s
            last = replace(word, start_s=start_s, end_s=max(word.end_s, start_s))
            of_scene.append(word)
            yield last
        before = of_scene[-_HEARD_TWICE:] or before


def _of_scene(sidecar: Sidecar) -> Iterator[SpokenWord]:
    transcript = sidecar.transcript
    segments = transcript.segments
    if not segments and transcript.text:
        segments = [StoredSegment(start_s=sidecar.start_s, end_s=sidecar.end_s, text=transcript.text)]
    for segment in segments:
        for word in _whole(_units(segment, sidecar.end_s)):
            yield from _short(word)


def _units(segment: StoredSegment, scene_end_s: float) -> Iterator[SpokenWord]:
    """A segment in the smallest pieces that a line could break between."""
    # Whisper writes the space, where there is one, before each word.
    has_spaces = any(word.text != word.text.strip() for word in segment.words)
    is_spaced = not has_spaces and len(segment.text.split()) > 1
    parts: Sequence[StoredWord | StoredSegment] = segment.words or [segment]
    for position, part in enumerate(parts):
        starts_apart = position == 0 and not UNSPACED.match(part.text.strip()[:1])
        start_s = _within(part.start_s, 0.0, scene_end_s)
        end_s = _within(part.end_s, start_s, 2 * scene_end_s - start_s)  # its middle lies in the scene
        yield from _cut(start_s, end_s, part.text, is_spaced or starts_apart)


def _cut(start_s: float, end_s: float, text: str, is_spaced: bool) -> Iterator[SpokenWord]:
    """A timed text at its spaces and around characters of scripts without spaces, each piece with its share of time."""
    clean = _SURROGATE.sub("\ufffd", _NOT_TEXT.sub(" ", _DIRECTED.sub("", text)))
    text = clean.strip()
    is_spaced = is_spaced or clean.startswith(" ")
    found: list[tuple[int, int]] = []
    for part in re.finditer(r"[^ ]+", text):
        at = part.start()
        for unit in UNSPACED.finditer(text, part.start(), part.end()):
            found += [(at, unit.start()), unit.span()]
            at = unit.end()
        found.append((at, part.end()))
    per_char_s = (end_s - start_s) / max(1, len(text))
    for start, end in found:
        if start < end:
            space = text[start - 1] == " " if start else is_spaced
            yield SpokenWord(start_s + start * per_char_s, start_s + end * per_char_s, text[start:end], space)


def _whole(units: Iterable[SpokenWord]) -> Iterator[SpokenWord]:
    """Pieces joined where a line may not break: `state` and `-of`, or a character and the full stop after it."""
    whole: SpokenWord | None = None
    for unit in units:
        if whole is None:
            whole = unit
        elif unit.is_spaced or _may_break(whole.text[-1], unit.text[0]):
            yield whole
            whole = unit
        else:
            whole = replace(whole, end_s=unit.end_s, text=whole.text + unit.text)
    if whole is not None:
        yield whole


def _may_break(before: str, after: str) -> bool:
    """Whether a line may break between two characters without a space."""
    if not (UNSPACED.match(before) or UNSPACED.match(after)):
        return False
    return (
        after not in _NOT_FIRST
        and unicodedata.category(after) not in _CLOSING
        and unicodedata.category(before) not in _OPENING
    )


def _short(word: SpokenWord) -> Iterator[SpokenWord]:
    """A word cut where a line has no room for it; nothing if nothing of it can be seen."""
    if word.text.isascii() and len(word.text) <= LINE_COLUMNS:
        yield word
        return
    per_char_s = (word.end_s - word.start_s) / max(1, len(word.text))
    start = width = 0
    for end in range(1, len(word.text) + 1):
        width += _width(word.text[end - 1])
        is_full = end < len(word.text) and width + _width(word.text[end]) > LINE_COLUMNS
        if is_full or end == len(word.text) or end - start == _PIECE_CHARS:
            if width:
                times = word.start_s + start * per_char_s, word.start_s + end * per_char_s
                yield SpokenWord(*times, word.text[start:end], word.is_spaced and not start)
            start, width = end, 0


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _within(time_s: float, low_s: float, high_s: float) -> float:
    """A time between two others; one that is no number is the lower one."""
    return min(time_s, high_s) if time_s >= low_s else low_s


def _is_same(one: SpokenWord, other: SpokenWord) -> bool:
    overlap = one.start_s < other.end_s and other.start_s < one.end_s
    return overlap and _plain(one.text) == _plain(other.text)


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum()) or text
