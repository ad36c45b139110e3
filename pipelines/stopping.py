"""SIGTERM ends a run as Ctrl-C does: what is in flight is committed or given back, and the report is written.

Ray's job supervisor sends it to a job that is stopped, and so do `kill`, systemd and Kubernetes.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let the first SIGTERM raise KeyboardInterrupt in the block, where the main thread runs it.

    Later ones do nothing: whoever asked once may ask again, and would break off what makes the end a clean one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def sigterm_handler_kept() -> Iterator[None]:
    """Put the handler of SIGTERM back after the block, in which ray.init() sets one that ends the process."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if callable(before) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
