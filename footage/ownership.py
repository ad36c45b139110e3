"""One owner at a time for a folder: an flock on a file beside it, which says who the owner is."""

import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from footage.errors import IndexBusy, StoreError

POLL_S = 0.05  # an owner that ends is noticed within what a person does not notice


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock."""

    what: str  # the command, such as `footage index`
    pid: int
    host: str
    since: str  # UTC, ISO 8601

    def __str__(self) -> str:
        """For a message: the command, its process, and when it came, in local time."""
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        clock = datetime.fromisoformat(self.since).astimezone().strftime("%H:%M:%S")
        return f"`{self.what}` (pid {self.pid}{where}, since {clock})"


class Ownership:
    """The exclusive right to a folder, held by this process until release() or its end, however it ends.

    The lock is the kernel's (flock), so a killed owner leaves none behind; what the file says counts only while it is
    locked, and the file is never removed. Programs that the owner starts do not inherit the lock; a fork without exec
    does.
    """

    def __init__(self, path: Path, what: str, wait_s: float = 0) -> None:
        """Take the lock file `path`, waiting up to `wait_s` seconds.

        Raises:
            IndexBusy: another process has it; the message says which.
            StoreError: the file cannot be written.
        """
        deadline = time.monotonic() + wait_s
        while True:
            try:
                file = self._take(path)
            except OSError as error:
                raise StoreError(f"Cannot lock {path}: {error.strerror or error}.") from error
            if file is not None:
                break
            if time.monotonic() >= deadline:
                raise IndexBusy(f"{held_sentence(path)} Wait for it to end, or end it, and try again.")
            time.sleep(POLL_S)
        self._file = file
        owner = Owner(what, os.getpid(), socket.gethostname(), datetime.now(UTC).isoformat(timespec="seconds"))
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), (json.dumps(asdict(owner)) + "\n").encode(), 0)

    def release(self) -> None:
        """Give the lock back; again is fine."""
        self._file.close()

    @staticmethod
    def _take(path: Path) -> FileIO | None:
        """The locked file, or None while another has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "ab", buffering=0)  # noqa: SIM115 - held as long as this object lives
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file


def lock_of(index: Path) -> Path:
    """The lock file of an index whose scenes are in this folder."""
    return index.with_name(index.name + ".lock")


def held_sentence(path: Path) -> str:
    """Who has the lock file `path` of an index, for a message."""
    return f"The index of {path.parent.parent} is held by {read_owner(path) or 'another process'}."


def read_owner(path: Path) -> Owner | None:
    """What the lock file says; None where it says nothing (its owner is just taking it)."""
    try:
        return Owner(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
