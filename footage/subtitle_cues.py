"""Divides speech into cues: what stands on the screen at a time, in at most two lines.

The numbers are those of the Netflix Timed Text Style Guide (General Requirements, and English:
https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617), the places to break at those that it and the BBC
Subtitle Guidelines (https://www.bbc.co.uk/accessibility/forproducts/guides/subtitles/) ask for: at the end of a
sentence, else after a clause, and not behind an article or a preposition. How they are weighed is ours.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from footage.function_words import FUNCTION_WORDS
from footage.subtitle_words import LINE_COLUMNS, SpokenWord, columns

SHORTEST_MS = 1000  # the guide has 5/6 s; below a second a reader only sees it flash
LONGEST_MS = 7000
GAP_MS = 80  # two frames at 25 a second: the eye sees that the text is another
READ_COLUMNS_PER_S = 17  # a cue stays so long after it was said, where there is room
FAST_COLUMNS_PER_S = 20  # faster than that is to be avoided
LINGER_MS = 1500  # longest stay after the last word (BBC, 5.2)
PAUSE_MS = 1500  # a cue does not tell what is said after such a pause (BBC, 5.2)

_HELD_COLUMNS = 8 * LINE_COLUMNS  # of speech without a pause that are looked at together: four cues
_SENTENCE_ENDS = frozenset(".!?。।؟")  # as NFKC has them
_CLAUSE_ENDS = frozenset(",;:–—、،")
_QUOTES = "\"'\u2019”»)]」』\uff09"


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from `start_ms` to `end_ms`, in one line or two."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(words: Iterable[SpokenWord]) -> Iterator[Cue]:
    """Cues in order, of which none overlaps another; each stays for SHORTEST_MS to LONGEST_MS.

    Where words come faster than cues of SHORTEST_MS can hold, cues come later than their words.

    Args:
        words: in order of their starts. They are taken as cues are asked for.
    """
    free_ms = 0  # from where on nothing is shown
    for first, words_of_cue, next_start_ms in _divided(words):
        start_ms = max(first, free_ms)
        said_ms = round(words_of_cue[-1].end_s * 1000)
        read_ms = start_ms + 1000 * _width(words_of_cue) // READ_COLUMNS_PER_S
        end_ms = min(max(said_ms, min(read_ms, said_ms + LINGER_MS)), start_ms + LONGEST_MS)
        if next_start_ms is not None:
            end_ms = min(end_ms, next_start_ms - GAP_MS)
        end_ms = free_ms = max(end_ms, start_ms + SHORTEST_MS)
        yield Cue(start_ms, end_ms, _lines(words_of_cue))


def _divided(words: Iterable[SpokenWord]) -> Iterator[tuple[int, Sequence[SpokenWord], int | None]]:
    """The words of each cue, with their start and that of the next ones (ms; None: none follow)."""
    waiting: tuple[int, Sequence[SpokenWord]] | None = None
    for group in _groups(words):
        start_ms = round(group[0].start_s * 1000)
        if waiting is not None:
            yield *waiting, start_ms
        waiting = start_ms, group
    if waiting is not None:
        yield *waiting, None


def _groups(words: Iterable[SpokenWord]) -> Iterator[Sequence[SpokenWord]]:
    held: list[SpokenWord] = []
    held_columns = 0
    for word in words:
        if held and _ms(held[-1].end_s, word.start_s) > PAUSE_MS:
            yield from _best_groups(held)
            held, held_columns = [], 0
        held.append(word)
        held_columns += columns(word.text) + word.is_spaced
        if held_columns > _HELD_COLUMNS:
            *done, held = _best_groups(held)
            yield from done
            held_columns = _width(held)
    if held:
        yield from _best_groups(held)


def _best_groups(words: list[SpokenWord]) -> list[list[SpokenWord]]:
    """Words without a pause as cues, by the least sum of costs (dynamic programming over the places to break at)."""
    run = _Run.of(words)
    best = [(0.0, 0)] + [(float("inf"), 0)] * len(words)  # of the words up to here: the cost, and the last cue's start
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if end > start + 1 and not run.is_possible(start, end):
                break
            cost = best[start][0] + run.cost(start, end)
            if cost < best[end][0]:
                best[end] = (cost, start)
    groups, end = [], len(words)
    while end:
        start = best[end][1]
        groups.append(words[start:end])
        end = start
    return groups[::-1]


@dataclass(frozen=True, slots=True)
class _Run:
    """Words without a pause, and what is asked of each again and again."""

    words: Sequence[SpokenWord]
    until: Sequence[int]  # columns before each word, and before the end; a word's space counts as its own
    sentences: Sequence[int]  # sentence ends before each word
    breaks: Sequence[float]  # what a break before each word costs

    @classmethod
    def of(cls, words: Sequence[SpokenWord]) -> "_Run":
        return cls(
            words,
            list(accumulate((columns(word.text) + word.is_spaced for word in words), initial=0)),
            list(accumulate((_ends_in(word.text, _SENTENCE_ENDS) for word in words), initial=0)),
            [0.0, *(_break_cost(before, after) for before, after in pairwise(words)), 0.0],
        )

    def is_possible(self, start: int, end: int) -> bool:
        """Whether words [start, end) fit into two lines and LONGEST_MS."""
        if _ms(self.words[start].start_s, self.words[end - 1].end_s) > LONGEST_MS:
            return False
        lower = bisect_right(self.until, self.until[start] + self.words[start].is_spaced + LINE_COLUMNS) - 1
        return lower >= end or self.until[end] - self.until[lower] - self.words[lower].is_spaced <= LINE_COLUMNS

    def cost(self, start: int, end: int) -> float:
        """How bad it is that words [start, end) are a cue."""
        is_last = end == len(self.words)
        room_ms = LONGEST_MS if is_last else _ms(self.words[start].start_s, self.words[end].start_s)
        width = self.until[end] - self.until[start]
        emptiness = 1 - width / (2 * LINE_COLUMNS + 2)
        sentences_within = self.sentences[end - 1] - self.sentences[start]
        hurry = max(0.0, width * 1000 / FAST_COLUMNS_PER_S / max(room_ms, 1) - 1)
        return (
            1.0  # each cue interrupts the reader
            + 2 * self.breaks[end]
            + 0.5 * emptiness**2  # squares: two of like length rather than a long one and a rest
            + 0.3 * sentences_within  # BBC, 3.2: one sentence in a cue
            + (0.7 if sentences_within and self.breaks[end] else 0.0)  # and surely not the beginning of another
            + hurry
            + (4.0 if room_ms < SHORTEST_MS else 0.0)
        )


def _break_cost(before: SpokenWord, after: SpokenWord) -> float:
    """How bad a break between two words is, 0 to 1."""
    if _ends_in(before.text, _SENTENCE_ENDS):
        return 0.0
    if _ends_in(before.text, _CLAUSE_ENDS):
        return 0.2
    if before.text.casefold() in FUNCTION_WORDS:
        return 1.0  # an article or a preposition belongs to what follows
    return 0.5 if after.text.casefold() in FUNCTION_WORDS else 0.7


def _lines(words: Sequence[SpokenWord]) -> tuple[str, ...]:
    """One line if there is room, else two: broken well, of like width, the lower one rather the longer."""
    if _width(words) <= LINE_COLUMNS:
        return (_text(words),)
    choices = []
    for at in range(1, len(words)):
        upper, lower = _width(words[:at]), _width(words[at:])
        if max(upper, lower) <= LINE_COLUMNS:
            uneven = abs(upper - lower) / LINE_COLUMNS + (0.1 if upper > lower else 0.0)
            choices.append((_break_cost(words[at - 1], words[at]) + uneven, at))
    at = min(choices)[1]
    return _text(words[:at]), _text(words[at:])


def _text(words: Sequence[SpokenWord]) -> str:
    return "".join(" " * word.is_spaced + word.text for word in words).removeprefix(" ")


def _width(words: Sequence[SpokenWord]) -> int:
    return columns(_text(words))


def _ends_in(text: str, ends: Collection[str]) -> bool:
    last = unicodedata.normalize("NFKC", text.rstrip(_QUOTES)[-1:])
    return last[-1:] in ends


def _ms(from_s: float, to_s: float) -> int:
    return round((to_s - from_s) * 1000)
