"""Whether a file can be read at all, and whether it is still the one that was listed."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from footage.errors import EmptySource, MissingSource, SourceChanged, VideoError
from footage.local_sources import file_source

READ_BYTES = 1 << 20  # at a time
READ_BYTES_PER_S = 10e6  # a slow disk or network: time limits of what reads a whole file follow it


def check_source(path: Path) -> int:
    """The size of a file in bytes.

    Raises:
        MissingSource: it is gone, a dangling link, no regular file, or may not be read.
        EmptySource: it has no bytes.
    """
    try:
        status = path.stat()  # first: opening a named pipe would wait for a writer
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                pass
    except OSError as error:
        if path.is_symlink():
            message = f"{path.name} is a link to {os.readlink(path)}, which cannot be read; mend it."
        elif isinstance(error, PermissionError):
            message = f"{path.name} may not be read by this user; change its permissions."
        else:
            message = f"{path.name} cannot be opened ({error.strerror}); bring it back."
        raise MissingSource(message) from error
    if not stat.S_ISREG(status.st_mode):
        raise MissingSource(f"{path.name} is not a file (a folder, a pipe or a device); give files or their folder.")
    if status.st_size == 0:
        raise EmptySource(f"{path.name} is empty (0 bytes). Copy the file again.")
    return status.st_size


def read_blocks(path: Path) -> Iterator[bytes]:
    """The content of a regular file, in blocks.

    Raises:
        MissingSource: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                yield block
    except OSError as error:
        raise MissingSource(f"{path.name} cannot be read: {error.strerror}.") from error


def refuse_unreadable(path: Path, error: OSError) -> None:
    """Raises MissingSource if an error that libav gave as the system's is the system's.

    It says EIO of some damaged files too (Matroska that ends within an element); so after EIO the file is read again.
    """
    if error.errno == errno.EIO:
        try:
            with path.open("rb") as file:
                while file.read(READ_BYTES):
                    pass
        except OSError as found:
            error = found
        else:
            return
    raise MissingSource(
        f"{path.name} cannot be read: {os.strerror(error.errno or 0)}. Look at its disk or network, and try again."
    ) from error


@contextmanager
def unchanged_source(path: Path, etag: str) -> Iterator[None]:
    """Sees to it that all that is read within the block is one content, that of `etag` (records.Source).

    A file that is still being copied, or is replaced, would else put scenes of one content under the id of another. A
    change counts for more than what the block said of the file.

    Raises:
        SourceChanged: the file is another one before the block or after it.
        MissingSource, EmptySource: see check_source.
    """
    _refuse_change(path, etag)
    try:
        yield
    except VideoError:
        _refuse_change(path, etag)
        raise
    _refuse_change(path, etag)


def _refuse_change(path: Path, etag: str) -> None:
    check_source(path)
    if file_source(path).etag != etag:
        raise SourceChanged(
            f"{path.name} changed while it was read (is it still being copied?); index it again when it is complete."
        )
