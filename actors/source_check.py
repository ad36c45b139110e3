"""Whether a file can be read at all, before any decoder is asked."""

import os
import stat
from pathlib import Path

from footage.errors import EmptySource, MissingSource


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
