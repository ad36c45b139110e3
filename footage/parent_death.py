"""For child processes that must not outlive what started them."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with(parent_id: int) -> None:
    """Have the kernel end this process when the thread that started it ends; elsewhere than on Linux, nothing.

    Args:
        parent_id: process id of the parent, which may have ended already: then this process ends now.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:  # it died before the kernel knew
        sys.exit("the parent is gone")
