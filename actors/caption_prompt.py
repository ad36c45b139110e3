"""What a vision-language model is asked about a scene, and what is made of its answer."""

import re
from collections.abc import Sequence
from typing import TypeVar

from actors.even_places import even_places
from footage.model_settings import CaptionSettings

Frame = TypeVar("Frame")

CUT = "…"
# Where a sentence ends: a mark and its closing quotes or brackets, before a space or the end; in Chinese and Japanese,
# whose marks and quotes these numbers are, without a space.
SENTENCE_END = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s|$)|[\u3002\uff01\uff1f]+[\u201d\u2019\u300d\u300f\uff09]*"
)
ABBREVIATED = re.compile(r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|vs|e\.g|i\.e|No)\.$")
THOUGHT_END = "</think>"


def caption_prompt(settings: CaptionSettings, transcript: str) -> str:
    """The question about a scene in which `transcript` is said ("" where nothing is).

    The transcript loses its end after settings.transcript_chars characters, at a word, and its angle brackets.
    """
    heard = shortened(" ".join(harmless(transcript).split()), settings.transcript_chars)
    said = settings.said.replace("{transcript}", heard) if heard else ""
    return settings.prompt.replace("{said}", said)


def harmless(text: str) -> str:
    """Text in which no model sees marks of its own: `<|im_end|>` would end the question, `<image>` ask for a picture.

    All such marks stand in angle brackets, which nobody speaks.
    """
    return text.replace("<", " ").replace(">", " ")


def shortened(text: str, most_chars: int) -> str:
    """At most so many characters of the text: whole words and "…"; "" where not even one word fits."""
    if len(text) <= most_chars:
        return text
    kept = text[: most_chars - len(CUT)] if most_chars > len(CUT) else ""
    if kept and not kept[-1].isspace() and not text[len(kept)].isspace():
        words = kept.rsplit(maxsplit=1)
        # One long word, as in scripts that write no spaces, is cut inside.
        kept = words[0] if len(words) > 1 else kept
    return f"{kept.rstrip()}{CUT}" if kept.strip() else ""


def evenly_chosen(frames: Sequence[Frame], most: int) -> list[Frame]:
    """At most so many of the frames, in order: those in the middle of equal parts."""
    return [frames[place] for place in even_places(len(frames), most)]


def answer_text(generated: str, cut_off: bool) -> str:
    """The answer in what a model wrote.

    What a thinking model thinks is left out; of one that never came to its answer nothing is left.

    Args:
        generated: as decoded.
        cut_off: it ended because of the limit of tokens.
    """
    _, ended, answer = generated.rpartition(THOUGHT_END)
    if not ended:
        answer = "" if "<think>" in generated else generated
    answer = answer.strip()
    return _up_to_last_sentence(answer) if cut_off else answer


def _up_to_last_sentence(text: str) -> str:
    ends = [end.end() for end in SENTENCE_END.finditer(text) if not ABBREVIATED.search(text[: end.end()])]
    if ends:
        return text[: ends[-1]]
    words = text.rsplit(maxsplit=1)
    # The last word may lack its end; alone it is all there is.
    return f"{words[0].rstrip(',;:')}{CUT}" if len(words) > 1 else text and f"{text}{CUT}"
