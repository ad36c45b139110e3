"""Names in folders that outlast a power cut, while others add to these folders and remove what is empty."""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

# A folder is removed between its making and its use only if another process empties it in just that moment.
_TRIES = 100


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; one that is there is fine.

    Raises:
        NotADirectoryError: a file has its name, or that of one above it.
        OSError: it cannot be made; FileNotFoundError where it or one above it was removed meanwhile.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        try:
            folder.mkdir()
        except FileExistsError as error:
            if not stat.S_ISDIR(folder.stat().st_mode):  # raises FileNotFoundError if it is gone again
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
        sync_folder(folder.parent)


def place_file(path: Path, place: Callable[[], object]) -> None:
    """Have a file put into a folder, which is made if it is missing, and make its name durable.

    Args:
        path: of the file.
        place: puts it there. Called again if the folder was removed, as empty, just before.

    Raises:
        OSError: it cannot be done, or `place` raised it.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            make_folder(path.parent)
            place()
            break
        except FileNotFoundError:
            if not tries_left:
                raise
    with contextlib.suppress(FileNotFoundError):  # it was deleted again, with its folder
        sync_folder(path.parent)


def write_text(file: Path, text: str) -> None:
    """Write a small file, durably and in one step, into a folder that is there. One process at a time.

    Raises:
        OSError: it cannot be done; an older file is left as it was.
    """
    written = file.with_name(f".{file.name}.new")
    with written.open("w", encoding="utf-8") as part:
        part.write(text)
        part.flush()
        os.fsync(part.fileno())
    os.replace(written, file)
    sync_folder(file.parent)


def settle_removals(folder: Path, root: Path) -> None:
    """Make removals from a folder durable, and remove it, and those above it below `root`, while they are empty.

    One that is filled meanwhile stays: an empty folder is removed by the kernel, or not, in one step.
    """
    while True:
        with contextlib.suppress(OSError):  # not empty, not ours to remove, or removed by another process just now
            if folder != root:
                folder.rmdir()
        try:
            sync_folder(folder)
        except FileNotFoundError:  # to sync the folder where a name is gone is to sync all that was below it
            if folder == root:
                return
            folder = folder.parent
        else:
            return
