"""Where objects are kept: bytes under keys such as `sidecars/home/VIDEO/SCENE.json`.

Every write is whole or absent: a reader never sees half an object, whenever a writer is killed. Two writes are
conditional, which is what claims and manifests stand on: `create` (only if the key is free) and `swap` (only if the
object is still what it was).
"""

import contextlib
import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from footage.errors import ObjectMissing, StoreError

# File systems without hard links (exFAT, some network and FUSE mounts) answer with one of these.
NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)  # what a key without an object meets in a folder
STALE_PART_S = 24 * 3600  # no write takes a day: an older unfinished file belongs to a process that was killed


class ObjectStore(Protocol):
    """Bytes under keys. A key is `part/part/...`: relative, no empty part, none that begins with a dot, no NUL.

    Every method raises StoreError for a key that is not one, and where the store cannot be used.
    """

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

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix` (any string, not only whole parts), in order of their UTF-8 bytes."""
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; one that is there is fine."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


class DirectoryStore:
    """Objects as files below a folder, which is made if it is missing. Safe for many processes of one machine.

    A write goes to a file in the hidden folder `.tmp`, is synced, and is renamed into place; then the folder is synced
    too, as it is after a removal, so that a power cut leaves the writes in their order (0.3 ms of 0.7 for a small
    object on ext4). `create` links it into
    place, which fails if the name is taken; where hard links are not supported, and for `swap`, a lock in `.tmp` is
    held for the moment between looking and renaming.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts = root / ".tmp"

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        try:
            return self._path(key).read_bytes()
        except ABSENT as error:
            raise ObjectMissing(f"There is no object {key} in {self.root}.") from error
        except OSError as error:
            raise self._failed("read", key, error) from error

    def put(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        path = self._path(key)
        with self._written(key, data) as part:
            self._rename(part, path)

    def create(self, key: str, data: bytes) -> bool:
        """See ObjectStore."""
        path = self._path(key)
        with self._written(key, data) as part:
            try:
                make_folder(path.parent)
                self._link(part, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in NO_HARD_LINKS:
                    raise
            else:
                return True
            with self._lock():
                if path.exists():
                    return False
                self._rename(part, path)
                return True

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        """See ObjectStore."""
        path = self._path(key)
        with self._written(key, data) as part, self._lock():
            try:
                if path.read_bytes() != expected:
                    return False
            except ABSENT:
                return False
            self._rename(part, path)
            return True

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        try:
            path = self._path(key)
            path.unlink()
            sync_folder(path.parent)
        except ABSENT:
            return
        except OSError as error:
            raise self._failed("delete", key, error) from error

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        return self._path(key).is_file()

    def list(self, prefix: str) -> Iterator[str]:
        """See ObjectStore. What is deleted while this runs may be listed or not."""
        folder, slash, _ = prefix.rpartition("/")
        if slash:
            check_key(folder)
        found: list[str] = []
        # os.walk passes over folders that vanish meanwhile
        for where, folders, names in os.walk(self.root / folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            base = Path(where).relative_to(self.root)
            found.extend((base / name).as_posix() for name in names if not name.startswith("."))
        yield from sorted((key for key in found if key.startswith(prefix)), key=os.fsencode)

    def probe(self) -> None:
        """See ObjectStore. Also removes what killed writers left behind more than a day ago."""
        key = f"probe-{uuid.uuid4().hex}"
        try:
            first, second = self.create(key, b"1"), self.create(key, b"2")
            kept = self.get(key)
        finally:
            # a store that refuses to write refuses this too: the first error is the one to show
            with contextlib.suppress(StoreError):
                self.delete(key)
        if not (first and not second and kept == b"1"):
            raise StoreError(
                f"The file system of {self.root} ignores conditional writes, so two runs could take the same video. "
                "Put the store on a local disk."
            )
        for part in self._parts.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if part.name != "lock" and part.stat().st_mtime < time.time() - STALE_PART_S:
                    part.unlink()

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _failed(self, what: str, key: str, error: OSError) -> StoreError:
        return StoreError(f"Cannot {what} {key} in the store {self.root}: {error.strerror or error}.")

    @contextlib.contextmanager
    def _written(self, key: str, data: bytes) -> Iterator[Path]:
        """A synced temporary file with the data, gone afterwards; OSErrors inside become StoreErrors."""
        part = self._parts / uuid.uuid4().hex
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield part
        except OSError as error:
            raise self._failed("write", key, error) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def _link(self, part: Path, path: Path) -> None:
        os.link(part, path)
        sync_folder(path.parent)

    @staticmethod
    def _rename(part: Path, path: Path) -> None:
        make_folder(path.parent)
        part.rename(path)
        sync_folder(path.parent)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._parts / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
