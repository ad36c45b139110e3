"""What a file that is no video looks like, from its first bytes, for the sentence that refuses it."""

from pathlib import Path

_HEAD_BYTES = 512
_SIGNATURES = (  # first bytes, from the formats' specifications
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"ID3", "an MP3 file"),
)
_PLAYLISTS = ((b"#EXTM3U", "an HLS playlist"), (b"ffconcat", "a concat list"), (b"[playlist]", "a PLS playlist"))
CONTAINERS = "MP4, MOV, MKV, WebM, MPEG-TS, MPEG-PS, AVI, FLV, Ogg, ASF and MXF"


def refusal(path: Path) -> str:
    """The sentence for a file in which no known container was found: what it is instead, and what to do.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, kind in _PLAYLISTS:
        if text.startswith(mark):
            return (
                f"{path.name} is {kind}. footage never follows what a playlist names; index the media files themselves,"
                " or leave it out."
            )
    kind = next((kind for mark, kind in _SIGNATURES if head.startswith(mark)), "")
    if not kind and _is_text(text):
        kind = "a web page" if text.lower().startswith((b"<!doctype html", b"<html")) else "a text"
    if kind:
        return f"{path.name} is {kind} and not a video, whatever its name says; leave it out."
    return (
        f"{path.name} is not a video file (no known container). footage opens {CONTAINERS};"
        " convert it, or leave it out."
    )


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are UTF-8 without control characters; the last character may be cut off."""
    try:
        decoded = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        decoded = head[: error.start].decode("utf-8")
    return bool(decoded) and all(character.isprintable() or character.isspace() for character in decoded)
