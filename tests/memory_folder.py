"""Folders in memory: stores and indexes sync every write, and some tests stop one before each of its requests."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM_GIB = 4  # free: the engine of the index sets aside some ten MiB for each folder


@contextmanager
def memory_folder() -> Iterator[Path]:
    """An empty folder in memory where there is room, else on disk, gone afterwards."""
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM_GIB * 2**30
    folder = Path(tempfile.mkdtemp(prefix="footage-test-", dir=_MEMORY if has_room else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
