"""Tells an MP4 that was cut off from one that never was one, by its outermost boxes."""

import os
from pathlib import Path

FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"pnot")
MAX_BOXES = 10_000  # a file of tiny boxes is not walked for ever


def ends_before_its_index(path: Path) -> bool:
    """Whether a file looks like an MP4 or MOV (ISO 14496-12, 4.2: size, type, content) without a whole `moov` box."""
    file_size = os.path.getsize(path)
    position = 0
    with path.open("rb") as file:
        for _ in range(MAX_BOXES):
            file.seek(position)
            header = file.read(16)
            if position == 0 and (len(header) < 8 or header[4:8] not in FIRST_BOXES):
                return False
            if len(header) < 8:
                return True  # the end, and no moov on the way
            size = int.from_bytes(header[:4])
            if size == 1 and len(header) == 16:
                size = int.from_bytes(header[8:])
            elif size == 0:
                size = file_size - position  # reaches to the end
            if header[4:8] == b"moov" and size >= 8:
                return position + size > file_size
            if size < 8 or position + size > file_size:
                return True
            position += size
    return False
