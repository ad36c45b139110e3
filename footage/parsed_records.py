"""Records that were read before, not parsed anew where their bytes are the same."""

import threading
from collections import OrderedDict
from typing import Any

from footage.record_json import Record, from_json

ROOM_BYTES = 32 << 20  # of JSON; parsed, it takes some five times that


class ParsedRecords:
    """In the place of record_json.from_json(). What was read last is kept; any number of threads may use it.

    The object is read each time, so that a change counts at once. Parsing is what takes long: 0.15 ms for the manifest
    of a hundred scenes, some 30 ms for that of a film of ten hours, and a search reads one for every hit.
    """

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        """Keep records of so many bytes in all."""
        self._room_bytes = room_bytes
        self._held_bytes = 0
        self._held: OrderedDict[str, tuple[bytes, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, key: str, data: bytes, kind: type[Record]) -> Record:
        """The record that `data` is; see from_json()."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
        if held is not None and held[0] == data and isinstance(held[1], kind):
            return held[1]
        record = from_json(key, data, kind)
        if len(data) <= self._room_bytes:
            self._keep(key, data, record)
        return record

    def _keep(self, key: str, data: bytes, record: Any) -> None:
        with self._lock:
            before = self._held.pop(key, None)
            self._held_bytes += len(data) - (len(before[0]) if before is not None else 0)
            self._held[key] = (data, record)
            while self._held_bytes > self._room_bytes:
                _, (oldest, _) = self._held.popitem(last=False)
                self._held_bytes -= len(oldest)
