"""Short-lived folders outside the store: for sockets, whose paths may have 107 bytes only, and for Ray's session."""

import os
import re
import shutil
import tempfile
from pathlib import Path

_PREFIX = "footage-"
_SHORT = 40  # characters; a Ray session adds about 65 to it


def make_scratch() -> Path:
    """A new folder that only this user can enter, named for this process. First removes those of dead processes."""
    given = tempfile.gettempdir()
    root = Path(given if len(given) <= _SHORT else "/tmp")
    for old in root.glob(f"{_PREFIX}[0-9]*"):
        named = re.match(rf"{_PREFIX}(\d+)-", old.name)
        if named and not Path(f"/proc/{named[1]}").exists():
            shutil.rmtree(old, ignore_errors=True)  # another user's stays
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))
