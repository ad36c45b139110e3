"""Sixty objects as a bucket that people have used for years holds them: nested, doubled, oddly named, some broken."""

from pathlib import Path

from tests import media

AWKWARD = (
    "a b/c d.mp4",
    "日本語/映画 その1.mp4",
    "é/ÉTÉ.mp4",  # composed
    "e\u0301/ete\u0301.mp4",  # the same to the eye, decomposed
    "emoji/🎬 take 2 🎬.mp4",
    "percent/100%.mp4",
    "percent/%2e%2e.mp4",
    "hash/#1.mp4",
    "query/?list-type=2&prefix=x.mp4",
    "plus/a+b.mp4",
    "quotes/'single' \"double\".mp4",
    "brackets/<b>[x]{y}.mp4",
    "amp/&amp;.mp4",
    "colon/a:b;c,d.mp4",
    "back\\slash\\d.mp4",
    "double//slash.mp4",
    "up/../down.mp4",
    "./here/./dot.mp4",
    "star/*.mp4",
    "dash/-rf.mp4",
    "long/" + "x" * 220 + ".mp4",
    "deep/" + "d/" * 40 + "film.mp4",
    "UPPER/FILM.MP4",
    " leading and trailing /film.mp4",
)
UNSEEN = {"notes.txt": b"no video", ".hidden.mp4": b"hidden", "a/.cache/film.mp4": b"hidden", "archive/": b""}


def sixty_objects(clips: list[Path], scratch: Path) -> dict[str, bytes]:
    """Keys and bytes: 60 that a run finds, of which two are no videos, and the UNSEEN besides.

    Args:
        clips: at least one video; each is in the bucket under several names.
        scratch: an empty folder to make videos in.
    """
    made = [media.silent(scratch / "silent.mp4"), media.rotated(scratch / "rotated.mp4")]
    contents = [path.read_bytes() for path in (*clips, *made)]
    keys = [*AWKWARD, *(f"archive/20{number:02}/take {number}.mp4" for number in range(60 - 2 - len(AWKWARD)))]
    objects = {key: contents[number % len(contents)] for number, key in enumerate(keys)}
    objects |= {"broken/empty.mp4": b"", "broken/text.mp4": b"this is not a video"}
    assert len(objects) == 60
    return objects | UNSEEN
