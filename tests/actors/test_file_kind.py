from pathlib import Path

import pytest

from actors.file_kind import refusal
from tests import media


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"This is not a video.\n", "is a text and not a video"),
        ("Überschrift ".encode() * 60, "is a text and not a video"),
        (b"<!DOCTYPE html><title>404</title>", "is a web page and not a video"),
        (b"\xff\xd8\xff\xe0JFIF", "is a JPEG picture and not a video"),
        (b"PK\x03\x04rest", "is a ZIP archive and not a video"),
        (b"\xef\xbb\xbf#EXTM3U\n", "is an HLS playlist. footage never follows"),
        (bytes(range(256)) * 2, "is not a video file (no known container). footage opens MP4"),
    ],
)
def test_sentence_says_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.mp4").write_bytes(content)

    assert refusal(tmp_path / "x.mp4").startswith(f"x.mp4 {says}")


def test_made_ones_are_told_apart(tmp_path: Path) -> None:
    paths = [media.text(tmp_path / "a.mp4"), media.png(tmp_path / "b.mkv"), media.playlist(tmp_path / "c.mp4")]

    kinds = [refusal(path).partition(".")[2] for path in paths]

    assert len(set(kinds)) == len(paths)
