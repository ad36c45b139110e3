"""Where objects are kept: bytes under keys such as `sidecars/home/VIDEO/SCENE.json`.

Every write is whole or absent: a reader never sees half an object, whenever a writer is killed. Two writes are
conditional, which is what claims and manifests stand on: `create` (only if the key is free) and `swap` (only if the
object is still what it was). directory_store.py keeps objects as files, s3_store.py in a bucket.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from footage.errors import StoreError


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing gives it."""

    key: str
    size_bytes: int
    modified_at: float  # POSIX seconds


class ObjectStore(Protocol):
    """Bytes under keys. A key is `part/part/...`: relative, no empty part, none that begins with a dot, no NUL.

    A store can be pickled and sent to another process. Every method raises StoreError for a key that is not one, and
    where the store cannot be used (StoreUnavailable where it does not answer).
    """

    @property
    def address(self) -> str:
        """What users call the store: a folder, or `s3://bucket/prefix`."""
        ...

    def get(self, key: str) -> bytes:
        """The object.

        Raises:
            ObjectMissing: no object has this key.
        """
        ...

    def put(self, key: str, data: bytes) -> None:
        """Write the object, in place of any older one."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Write the object if the key is free; of several callers exactly one gets True."""
        ...

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        """Write the object if it now holds exactly `expected`; False if it is another or gone."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; an absent one is fine."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the key holds an object."""
        ...

    def delete_all(self, keys: Iterable[str]) -> None:
        """Remove many objects; absent ones are fine. In order, except that a store may remove some at once."""
        ...

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """Keys that begin with `prefix` (any string, not only whole parts), in order of their UTF-8 bytes.

        Memory does not grow with their number, except with that of one folder.

        Args:
            prefix: of all keys.
            after: leaves out the keys up to this one (any string), without looking through them.
        """
        ...

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """What list() gives, with sizes and times."""
        ...

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """The different next parts of keys below a folder, in the order of these keys, without listing what is in them.

        Args:
            prefix: empty, or ends with `/`. With `a/`, `a/b/c` gives `b`, and `a/d` nothing.
            after: leaves out the parts up to this one, without looking through them.
        """
        ...

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes [start, end) of the object; fewer, down to none, where it ends before.

        Raises:
            ObjectMissing: no object has this key.
        """
        ...

    def upload(self, key: str, path: Path) -> None:
        """Write the object from a file, of any size, in place of any older one."""
        ...

    def url(self, key: str, lifetime_s: int | None = None) -> str | None:
        """An address from which anybody may read the object for so long (else the store's own time), without other
        permission; None where the store has no such thing.
        """
        ...

    def probe(self) -> None:
        """Try a write, a read and a conditional create.

        Raises:
            StoreError: one of them does not work; says which and what to do.
        """
        ...


def check_key(key: str) -> str:
    """The key itself.

    Raises:
        StoreError: it is not a key; see ObjectStore.
    """
    if not key or "\0" in key or "\\" in key or any(not part or part.startswith(".") for part in key.split("/")):
        raise StoreError(
            f"{key!r} is not a key: it must be relative, without empty parts or parts that begin with a dot."
        )
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself, as ObjectStore.list takes it.

    Raises:
        StoreError: no key begins so.
    """
    folder, slash, _ = prefix.rpartition("/")
    if slash:
        check_key(folder)
    return prefix


def check_folder(prefix: str) -> str:
    """The prefix itself, as ObjectStore.folders takes it.

    Raises:
        StoreError: it is not a folder's, or no key begins so.
    """
    if prefix and not prefix.endswith("/"):
        raise StoreError(f"{prefix!r} is not a folder of keys: it must be empty or end with a slash.")
    return check_prefix(prefix)
