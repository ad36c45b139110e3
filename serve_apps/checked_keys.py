"""Keys that were looked up a moment ago: the store is not asked again with every request."""

import threading
import time
from collections import OrderedDict

from footage.api_keys import ApiKey, KeyBook

_MOST_KEYS = 10_000
_MOST_MISSING = 1000  # apart from the others, so that made-up keys push no good one out


class CheckedKeys:
    """Looks keys up by id and remembers them, and that there is none, for a while. Any number of threads may ask."""

    def __init__(self, book: KeyBook, good_for_s: float) -> None:
        """Look at nothing yet.

        Args:
            book: of the store.
            good_for_s: how long a revoked key may go on to count.
        """
        self._book = book
        self._good_for_s = good_for_s
        self._lock = threading.Lock()
        self._found: OrderedDict[str, tuple[ApiKey | None, float]] = OrderedDict()
        self._missing: OrderedDict[str, tuple[ApiKey | None, float]] = OrderedDict()

    def remembered(self, key_id: str) -> tuple[ApiKey | None] | None:
        """What was found a moment ago, in a tuple; None if it has to be looked up."""
        with self._lock:
            found = self._found.get(key_id) or self._missing.get(key_id)
        return None if found is None or time.monotonic() - found[1] >= self._good_for_s else (found[0],)

    def look_up(self, key_id: str) -> ApiKey | None:
        """What the store has. Waits for the store.

        Raises:
            StoreError: it cannot be asked.
        """
        asked_at = time.monotonic()  # before: what is revoked while the store answers counts no longer than it may
        key = self._book.get(key_id)
        with self._lock:
            self._forget(key_id)
            kept, most = (self._missing, _MOST_MISSING) if key is None else (self._found, _MOST_KEYS)
            kept[key_id] = (key, asked_at)
            if len(kept) > most:
                kept.popitem(last=False)
        return key

    def forget(self, key_id: str) -> None:
        """Look it up again next time: this process has just changed it."""
        with self._lock:
            self._forget(key_id)

    def was_found(self, key_id: str) -> bool:
        """Whether there was such a key when it was last looked up, however long ago."""
        with self._lock:
            return key_id in self._found

    def _forget(self, key_id: str) -> None:
        self._found.pop(key_id, None)
        self._missing.pop(key_id, None)
