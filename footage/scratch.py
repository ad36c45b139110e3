"""Short-lived folders outside the store: for sockets, whose paths may have 107 bytes only, and for Ray's session."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "footage-"
_LOCK = "owner.lock"
_SHORT = 40  # characters; a Ray session adds about 65 to it


class Scratch:
    """A folder that only this user can enter, until remove() or the end of this process, however it ends.

    What ended without removing its folder is found by its lock, which the kernel has given back, and removed by the
    next one that makes a folder here.
    """

    def __init__(self) -> None:
        given = tempfile.gettempdir()
        root = Path(given if len(given) <= _SHORT else "/tmp")
        for old in root.glob(f"{_PREFIX}*/{_LOCK}"):
            _remove_if_abandoned(old)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        self._lock = open(self.path / _LOCK, "wb")  # noqa: SIM115 - held as long as the folder is used
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove the folder; again is fine."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _remove_if_abandoned(lock: Path) -> None:
    try:
        with open(lock, "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_uid == os.getuid():
                shutil.rmtree(lock.parent, ignore_errors=True)
    except OSError:
        return  # in use, gone, or another user's
