"""Which words of a transcript are words of the query."""

import re
import unicodedata
from collections.abc import Iterator

from footage.function_words import FUNCTION_WORDS

# What an English word may gain or lose and still be the same word for a reader.
ENDINGS = frozenset(["s", "es", "'s", "ed", "ing", "er", "ers"])
SHORTEST_STEM = 3  # letters; below it, endings make other words (`is`, `as`)

# Scripts written without spaces: a query is searched within the run of letters.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

ASCII_WORD = re.compile("[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")


def highlights(query: str, text: str) -> list[tuple[int, int]]:
    """Half-open [start, end) offsets, in Unicode code points of `text`, of words that the query has too.

    Words are equal regardless of case and accents' encoding, and up to a regular English ending (boil, boiling).
    In scripts without spaces any occurrence counts. Offsets ascend and do not overlap.
    """
    terms = {_plain(query[start:end]) for start, end in _words(query)}
    # Said in nearly every sentence: marking them would mark everything. A query of nothing else is taken as it is.
    terms = {term for term in terms if term not in FUNCTION_WORDS} or terms
    unspaced = [term for term in terms if UNSPACED.search(term)]
    alike: dict[str, list[str]] = {}  # words that are the same begin with the same two letters
    for term in terms:
        alike.setdefault(term[:2], []).append(term)
    found: list[tuple[int, int]] = []
    for start, end in _words(text):
        word = text[start:end]
        plain = _plain(word)
        if any(_same_word(plain, term) for term in alike.get(plain[:2], ())):
            found.append((start, end))
        elif unspaced and UNSPACED.search(word):
            pattern = "|".join(re.escape(term) for term in sorted(unspaced, key=lambda term: (-len(term), term)))
            found.extend((start + match.start(), start + match.end()) for match in re.finditer(pattern, word))
    return found


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of the runs of letters, marks and digits; an apostrophe between two of them belongs to the word."""
    if text.isascii():
        yield from (word.span() for word in ASCII_WORD.finditer(text))
        return
    start = None
    for at, char in enumerate(text):
        inside = unicodedata.category(char)[0] in "LMN" or (
            char in "'\u2019" and start is not None and text[at + 1 : at + 2].isalnum()
        )
        if inside and start is None:
            start = at
        elif not inside and start is not None:
            yield start, at
            start = None
    if start is not None:
        yield start, len(text)


def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFC", word.casefold().replace("\u2019", "'"))


def _same_word(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < SHORTEST_STEM:
        return False
    stem = short.removesuffix("e")  # bake, baking, baked
    return (long.startswith(short) and long[len(short) :] in ENDINGS) or (
        stem != short and long.startswith(stem) and long[len(stem) :] in ("ing", "ed", "er", "ers")
    )
