"""What was found a moment ago: answers that cost much and may be a little old."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Recent(Generic[Found]):
    """Remembers what was found, by key. Any number of threads may ask; of those with one key, one looks at a time."""

    def __init__(self, good_for_s: float, most: int = 1000, old_for_s: float = 0) -> None:
        """Know nothing yet.

        Args:
            good_for_s: how long what was found is given again.
            most: keys that are remembered; the least recently found are forgotten.
            old_for_s: how long after that it is still given to those who come while another looks anew. 0: they wait.
        """
        self._good_for_s = good_for_s
        self._most = most
        self._old_for_s = old_for_s
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[Found, float]] = OrderedDict()
        self._looking: dict[Hashable, threading.Lock] = {}
        self._under_way: dict[Hashable, object] = {}  # the look whose result is to be remembered

    def get(self, key: Hashable, look: Callable[[], Found]) -> Found:
        """What was found under a key, or what `look` finds now. Raises what `look` raises; that is not remembered."""
        held = self._held(key, self._good_for_s)
        if held is not None:
            return held[0]
        with self._lock:
            looking = self._looking.setdefault(key, threading.Lock())
        old = self._held(key, self._good_for_s + self._old_for_s) if self._old_for_s else None
        if not looking.acquire(blocking=old is None):
            assert old is not None
            return old[0]
        try:
            held = self._held(key, self._good_for_s)  # somebody else may have looked meanwhile
            return held[0] if held is not None else self._look(key, look)
        finally:
            looking.release()
            with self._lock:
                if key not in self._found:
                    self._looking.pop(key, None)

    def forget(self, key: Hashable) -> None:
        """Look anew next time: this process has just changed it. A look that is under way is not remembered."""
        with self._lock:
            self._found.pop(key, None)
            self._under_way.pop(key, None)

    def _held(self, key: Hashable, for_s: float) -> tuple[Found] | None:
        with self._lock:
            found = self._found.get(key)
        return None if found is None or time.monotonic() - found[1] >= for_s else (found[0],)

    def _look(self, key: Hashable, look: Callable[[], Found]) -> Found:
        asked_at, this = time.monotonic(), object()
        with self._lock:
            self._under_way[key] = this
        try:
            found = look()
            with self._lock:
                if self._under_way.get(key) is this:  # nobody has forgotten it meanwhile
                    self._remember(key, found, asked_at)
            return found
        finally:
            with self._lock:
                if self._under_way.get(key) is this:
                    del self._under_way[key]

    def _remember(self, key: Hashable, found: Found, asked_at: float) -> None:
        self._found.pop(key, None)
        self._found[key] = (found, asked_at)
        while len(self._found) > self._most:
            forgotten, _ = self._found.popitem(last=False)
            self._looking.pop(forgotten, None)
