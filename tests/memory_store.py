"""An object store in this process's memory: many short scenarios, without waiting for a disk."""

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from footage.errors import ObjectMissing
from footage.storage import StoredObject, check_key


class MemoryStore:
    """An ObjectStore for threads of one process."""

    address = "memory"

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes:
        try:
            return self._objects[check_key(key)][0]
        except KeyError as error:
            raise ObjectMissing(f"There is no object {key}.") from error

    def put(self, key: str, data: bytes) -> None:
        self._objects[check_key(key)] = (data, time.time())

    def create(self, key: str, data: bytes) -> bool:
        with self._lock:
            if check_key(key) in self._objects:
                return False
            self.put(key, data)
            return True

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        with self._lock:
            if key not in self._objects or self._objects[key][0] != expected:
                return False
            self.put(key, data)
            return True

    def delete(self, key: str) -> None:
        self._objects.pop(check_key(key), None)

    def delete_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def exists(self, key: str) -> bool:
        return check_key(key) in self._objects

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        found = (key for key in list(self._objects) if key.startswith(prefix) and key.encode() > after.encode())
        yield from sorted(found, key=str.encode)

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        for key in self.list(prefix):
            data, modified_at = self._objects[key]
            yield StoredObject(key, len(data), modified_at)

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        rests = (key.removeprefix(prefix) for key in self.list(prefix, f"{prefix}{after}0" if after else ""))
        yield from sorted({rest.partition("/")[0] for rest in rests if "/" in rest})

    def read_range(self, key: str, start: int, end: int) -> bytes:
        return self.get(key)[start:end]

    def upload(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes())

    def url(self, key: str, lifetime_s: int | None = None) -> str | None:
        return None

    def probe(self) -> None:
        return


class MeetingReads(MemoryStore):
    """Is called as a store in a bucket is. Its reads wait for each other: with too few at once, they fail."""

    address = "s3://memory"
    together: threading.Barrier | None = None

    def expect(self, at_once: int) -> None:
        """From now on, so many reads at a time, no fewer."""
        self.together = threading.Barrier(at_once, timeout=60)

    def get(self, key: str) -> bytes:
        if self.together is not None:
            self.together.wait()
        return super().get(key)
