"""Objects as files below a folder: the store of one machine."""

import contextlib
import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from footage.durable_files import place_file, settle_removals
from footage.errors import ObjectMissing, StoreError
from footage.folder_walk import next_parts, walk_entries, walk_keys
from footage.storage import StoredObject, check_folder, check_key, check_prefix

# File systems without hard links (exFAT, some network and FUSE mounts) answer with one of these.
NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)  # what a key without an object meets in a folder
STALE_PART_S = 24 * 3600  # no write takes a day: an older unfinished file belongs to a process that was killed
COPY_BYTES = 1 << 20  # at once in memory, of files that may be larger than it


class DirectoryStore:
    """Objects as files below a folder, which is made if it is missing. Safe for many processes of one machine.

    A write goes to a file in the hidden folder `.tmp`, is synced, and is renamed into place; then the folder is synced
    too, as it is after a removal, so that a power cut leaves the writes in their order (0.3 ms of 0.7 for a small
    object on ext4). `create` links it into place, which fails if the name is taken; where hard links are not supported,
    and for `swap`, a lock in `.tmp` is held for the moment between looking and renaming.

    Folders come and go with their objects. Two keys cannot both be objects if one continues the other (`a`, `a/b`).
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()  # a process that it is sent to has another working folder
        self._parts = self.root / ".tmp"

    @property
    def address(self) -> str:
        """See ObjectStore."""
        return str(self.root)

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        with self._reading(key) as file:
            return file.read()

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """See ObjectStore."""
        with self._reading(key) as file:
            end = min(end, os.fstat(file.fileno()).st_size)  # read() makes room for all that it is asked for
            file.seek(start)
            return file.read(max(0, end - start))

    def put(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        path = self._path(key)
        with self._written(key, BytesIO(data)) as part:
            self._rename(part, path)

    def create(self, key: str, data: bytes) -> bool:
        """See ObjectStore."""
        path = self._path(key)
        with self._written(key, BytesIO(data)) as part:
            try:
                place_file(path, lambda: self._link(part, path))
            except FileExistsError:
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
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
        with self._written(key, BytesIO(data)) as part, self._lock():
            try:
                if path.read_bytes() != expected:
                    return False
            except ABSENT:
                return False
            self._rename(part, path)
            return True

    def upload(self, key: str, path: Path) -> None:
        """See ObjectStore."""
        place = self._path(key)
        try:
            source = path.open("rb")
        except OSError as error:
            raise StoreError(
                f"Cannot read {path}, which is to be stored as {key}: {error.strerror or error}."
            ) from error
        with source, self._written(key, source) as part:
            self._rename(part, place)

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self.delete_all([key])

    def delete_all(self, keys: Iterable[str]) -> None:
        """See ObjectStore. Keys of one folder that follow each other are made durable together."""
        emptied: Path | None = None
        for key in keys:
            path = self._path(key)
            with self._failing("delete", key):
                if emptied is not None and emptied != path.parent:
                    settle_removals(emptied, self.root)
                    emptied = None
                with contextlib.suppress(*ABSENT):
                    path.unlink()
                    emptied = path.parent
        if emptied is not None:
            with self._failing("delete", key):
                settle_removals(emptied, self.root)

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        path = self._path(key)
        with self._failing("look at", key):
            return path.is_file()

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """See ObjectStore. What is written or deleted while this runs may be listed or not."""
        with self._failing("list", prefix):
            yield from walk_keys(self.root, *_split(prefix), after)

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """See ObjectStore."""
        with self._failing("list", prefix):
            yield from walk_entries(self.root, *_split(prefix))

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """See ObjectStore."""
        folder = check_folder(prefix).removesuffix("/")
        with self._failing("list", prefix):
            yield from next_parts(self.root, folder, after)

    def url(self, key: str, lifetime_s: int | None = None) -> str | None:
        """See ObjectStore. A folder has none."""
        check_key(key)
        return None

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

    @contextlib.contextmanager
    def _failing(self, what: str, key: str) -> Iterator[None]:
        """OSErrors inside become StoreErrors."""
        try:
            yield
        except OSError as error:
            raise StoreError(f"Cannot {what} {key} in the store {self.root}: {error.strerror or error}.") from error

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        with self._failing("read", key):
            try:
                file = path.open("rb")
            except ABSENT as error:
                raise ObjectMissing(f"There is no object {key} in {self.root}.") from error
            with file:
                yield file

    @contextlib.contextmanager
    def _written(self, key: str, source: BinaryIO) -> Iterator[Path]:
        """A synced temporary file with what `source` gives, gone afterwards; OSErrors inside become StoreErrors."""
        part = self._parts / uuid.uuid4().hex
        with self._failing("write", key):
            try:
                self._parts.mkdir(parents=True, exist_ok=True)
                with part.open("xb") as file:
                    shutil.copyfileobj(source, file, COPY_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
                yield part
            finally:
                with contextlib.suppress(OSError):
                    part.unlink()

    def _link(self, part: Path, path: Path) -> None:
        os.link(part, path)

    @staticmethod
    def _rename(part: Path, path: Path) -> None:
        place_file(path, lambda: part.replace(path))

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._parts / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _split(prefix: str) -> tuple[str, str]:
    """The folder that a prefix names, and the beginning of the part below it."""
    folder, _, beginning = check_prefix(prefix).rpartition("/")
    return folder, beginning
