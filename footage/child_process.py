"""Child processes that run modules of this project, and do not outlive what started them."""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PROJECT = Path(__file__).parent.parent


def python_path() -> str:
    """PYTHONPATH of a child that is started with `python -P -m MODULE`: this project, then what this process has."""
    return os.pathsep.join([str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])


def die_with(parent_id: int) -> None:
    """Have the kernel end this process when the thread that started it ends; elsewhere than on Linux, nothing.

    Args:
        parent_id: process id of the parent, which may have ended already: then this process ends now.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:  # it died before the kernel knew
        sys.exit("the parent is gone")
