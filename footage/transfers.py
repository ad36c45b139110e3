"""How much this process has moved to and from object stores, and how often it had to ask again: for reports."""

import threading
from typing import NamedTuple


class Transferred(NamedTuple):
    """Since the start of the process."""

    retries: int  # requests that had to be sent again
    bytes_read: int


class Transfers:
    """Counts from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._retries = 0
        self._bytes_read = 0

    def add(self, retries: int = 0, bytes_read: int = 0) -> None:
        """Count."""
        with self._lock:
            self._retries += retries
            self._bytes_read += bytes_read

    def total(self) -> Transferred:
        """All so far."""
        with self._lock:
            return Transferred(self._retries, self._bytes_read)


# One for a process, like its sockets: stores are made in many places of it, and reports want their sum.
TRANSFERS = Transfers()
