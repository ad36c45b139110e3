"""Temporary databases for what would not fit into memory: they are gone when they are closed, or the process ends.

A database without a name is a file that SQLite removes from its folder as soon as it is open, and of which it holds a
bounded part in memory (https://www.sqlite.org/inmemorydb.html, "Temporary Databases").
"""

import contextlib
import sqlite3
from collections.abc import Iterator

from footage.errors import StoreError

CACHE_KIB = 8 * 1024  # in memory; the rest is the file cache's
_PRAGMAS = f"""
PRAGMA cache_size = -{CACHE_KIB};
PRAGMA journal_mode = OFF;  -- it is thrown away with its process, whatever happens to it
PRAGMA synchronous = OFF;
"""


def plan_database(schema: str) -> sqlite3.Connection:
    """An empty database with these tables, for one thread."""
    database = sqlite3.connect("")
    database.executescript(_PRAGMAS + schema)
    return database


@contextlib.contextmanager
def room_needed() -> Iterator[None]:
    """Raises StoreError where the disk has no room for what is written in the block."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"The plan of the run cannot be kept among temporary files: {error}. It takes about 300 bytes for each "
            "source; make room, or name another folder by TMPDIR."
        ) from error


def as_bytes(text: str) -> bytes:
    """Text that may not be UTF-8, in the order of the text: a file name may be anything, an etag what a server says."""
    return text.encode("utf-8", "surrogatepass")


def as_text(data: bytes) -> str:
    """What as_bytes() was given."""
    return data.decode("utf-8", "surrogatepass")
