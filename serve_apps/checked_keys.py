"""Keys that were looked up a moment ago: the store is not asked again with every request."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from footage.api_keys import ApiKey, KeyBook

_MOST_KEYS = 10_000
_MOST_MISSING = 1000  # apart from the others, so that made-up keys push no good one out
_THREADS = 16  # looks at once; each waits for the store


@dataclass(eq=False)
class _Look:
    """A key that the store is being asked for."""

    key_id: str
    asked_at: float
    result: Future[ApiKey | None] = field(init=False)


class CheckedKeys:
    """Looks keys up by id and remembers them, and that there is none, for a while. Any number of threads may ask.

    Of those who ask for the same key one asks the store, and the others get what it finds. A key in use is looked up
    anew before its time is over, and nobody waits for that.
    """

    def __init__(self, book: KeyBook, good_for_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at nothing yet.

        Args:
            book: of the store.
            good_for_s: how long a revoked key may go on to count.
            clock: seconds that never go back.
        """
        self._book = book
        self._good_for_s = good_for_s
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="keys")
        self._lock = threading.Lock()
        self._looking: dict[str, _Look] = {}
        self._found: OrderedDict[str, tuple[ApiKey | None, float]] = OrderedDict()
        self._missing: OrderedDict[str, tuple[ApiKey | None, float]] = OrderedDict()

    def remembered(self, key_id: str) -> tuple[ApiKey | None] | None:
        """What was found a moment ago, in a tuple; None if it has to be looked up. Never waits."""
        with self._lock:
            found = self._found.get(key_id) or self._missing.get(key_id)
        if found is None:
            return None
        key, asked_at = found
        age_s = self._clock() - asked_at
        if age_s >= self._good_for_s:
            return None
        if key is not None and age_s >= self._good_for_s / 2:
            self.look_up(key_id)  # for those who come later; if the store fails, they ask it themselves
        return (key,)

    def look_up(self, key_id: str) -> Future[ApiKey | None]:
        """What the store has; a StoreError if it cannot be asked."""
        with self._lock:
            look = self._looking.get(key_id)
            # One that the store is slow to answer would let a key that was revoked meanwhile count for too long.
            if look is None or self._clock() - look.asked_at >= self._good_for_s:
                look = self._looking[key_id] = _Look(key_id, self._clock())
                look.result = self._threads.submit(self._look, look)
            return look.result

    def forget(self, key_id: str) -> None:
        """Look it up again next time: this process has just changed it. A look that is under way counts no more."""
        with self._lock:
            self._looking.pop(key_id, None)
            self._forget(key_id)

    def was_found(self, key_id: str) -> bool:
        """Whether there was such a key when it was last looked up, however long ago."""
        with self._lock:
            return key_id in self._found

    def _look(self, look: _Look) -> ApiKey | None:
        try:
            key = self._book.get(look.key_id)
            with self._lock:
                if self._looking.get(look.key_id) is look:
                    self._remember(look, key)
            return key
        finally:
            with self._lock:
                if self._looking.get(look.key_id) is look:
                    del self._looking[look.key_id]

    def _remember(self, look: _Look, key: ApiKey | None) -> None:
        self._forget(look.key_id)
        kept, most = (self._missing, _MOST_MISSING) if key is None else (self._found, _MOST_KEYS)
        kept[look.key_id] = (key, look.asked_at)
        if len(kept) > most:
            kept.popitem(last=False)

    def _forget(self, key_id: str) -> None:
        self._found.pop(key_id, None)
        self._missing.pop(key_id, None)
