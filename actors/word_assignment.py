"""Gives spoken words to scenes."""

from collections.abc import Sequence
from dataclasses import replace

from footage.records import Scene, Segment, Transcript, Word

SILENCE = Transcript(text="", language="", segments=())


def transcripts_of_scenes(segments: Sequence[Segment], language: str, scenes: Sequence[Scene]) -> dict[str, Transcript]:
    """What is said in each scene, by scene id: a word belongs to the scene that its middle lies in.

    Words and not segments, because a segment can be a minute long. One that a cut goes through becomes a segment in
    each scene, from its first word there to its last. Words outside the scenes are left out: another span has them.

    Args:
        segments: with words, in video time.
        language: of the speech (ISO 639-1).
        scenes: in time order, without overlap.
    """
    return {scene.scene_id: _transcript(segments, language, scene) for scene in scenes}


def _transcript(segments: Sequence[Segment], language: str, scene: Scene) -> Transcript:
    parts = tuple(part for segment in segments if (part := _part(segment, scene)) is not None)
    if not parts:
        return SILENCE
    return Transcript(text=text_of([word for part in parts for word in part.words]), language=language, segments=parts)


def _part(segment: Segment, scene: Scene) -> Segment | None:
    words = tuple(word for word in segment.words if scene.start_s <= (word.start_s + word.end_s) / 2 < scene.end_s)
    if not words:
        return None
    return replace(segment, start_s=words[0].start_s, end_s=words[-1].end_s, text=text_of(words), words=words)


def text_of(words: Sequence[Word]) -> str:
    """The words as one text. Whisper writes the space, where its language has one, before each word."""
    return "".join(word.text for word in words).strip()
