"""Bounded room on a disk for copies of remote sources, shared by all processes of a machine that use its folder.

A copy is known by a key. Its files in the folder:
    KEY.lock    locked (flock) shared by who reads the copy, exclusively by who makes or removes it: the kernel gives a
                lock back however a process ends. Its length, without content, is the room that the copy takes; its time
                is that of the last use.
    KEY.part    what came in so far
    KEY/NAME    the whole copy, under the name that messages show
    KEY.todo    by run, the spans that were planned here and are not decoded yet
And for all of them: room.lock, held by who makes or takes room, and room.todo, the next KEY.todo while it is written.
"""

import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from footage.errors import SettingsError, VideoTooLarge

# Longest wait for room that others use: as much as they may take for what they have in hand, as a rule.
ROOM_WAIT_S = 1800.0
GLANCE_S = 0.2  # between looks for room
LEFT_ON_DISK_BYTES = 64 << 20  # for what else writes there
ABANDONED_S = 86_400.0  # plans that nobody came back to for a day belong to a run that died


@dataclass(frozen=True)
class Copy:
    """Where the files of one copy are."""

    room: Path
    key: str

    @property
    def lock(self) -> Path:
        """See the module."""
        return self.room / f"{self.key}.lock"

    @property
    def part(self) -> Path:
        """See the module."""
        return self.room / f"{self.key}.part"

    @property
    def todo(self) -> Path:
        """See the module."""
        return self.room / f"{self.key}.todo"

    @property
    def folder(self) -> Path:
        """See the module."""
        return self.room / self.key

    def whole(self) -> Path | None:
        """The copy, if it is whole."""
        return next(self.folder.iterdir(), None) if self.folder.is_dir() else None

    def remove(self) -> None:
        """Remove all files, the lock last; only while it is held exclusively."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in (self.part, self.todo, self.lock):
            path.unlink(missing_ok=True)


class ScratchRoom:
    """The folder. Several processes may have one of the same folder.

    Args:
        parent: the folder goes into it; None: the temporary folder.
        max_bytes: of all copies together.

    Raises:
        SettingsError: the folder cannot be made, or is another user's.
    """

    def __init__(self, parent: Path | None, max_bytes: int) -> None:
        self.path = _own_folder(parent or Path(tempfile.gettempdir()))
        self.max_bytes = max_bytes
        booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        with self.closed():
            for found in self._copies():
                if found.used_at < booted_at:  # what the disk has of it after a power cut may not be what was written
                    self._evict(found.copy)

    def copy(self, key: str) -> Copy:
        """The copy of a key."""
        return Copy(self.path, key)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody makes or takes room meanwhile; for moments only."""
        with locked(self.path / "room.lock", fcntl.LOCK_EX):
            yield

    def take(self, copy: Copy, size_bytes: int, patience_s: float, name: str) -> None:
        """Make room for a copy whose lock is held exclusively, and take it.

        What is half fetched by nobody goes first, then what was decoded or never planned here, the least recently used
        first; what is planned and not decoded yet goes after `patience_s` seconds only. What is in use stays.

        Raises:
            VideoTooLarge: it is larger than the room or the disk, or others used all room for ROOM_WAIT_S.
        """
        if size_bytes > self.max_bytes:
            raise VideoTooLarge(
                f"{name} has {_gib(size_bytes)}, and copies of remote videos may take {_gib(self.max_bytes)}: raise "
                "sources.scratch_gib, and see that the disk of sources.scratch has the room."
            )
        started = time.monotonic()
        while True:
            waited_s = time.monotonic() - started
            with self.closed():
                if self._make_room(copy, size_bytes, planned_too=waited_s >= patience_s):
                    os.truncate(copy.lock, size_bytes)
                    return
            if waited_s > max(ROOM_WAIT_S, patience_s):
                raise self._full(name, size_bytes)
            time.sleep(GLANCE_S)

    def plan(self, copy: Copy, run_id: str, spans: list[int]) -> None:
        """Keep a copy for spans that a run has planned, as long as there is room otherwise."""
        with self.closed():
            if copy.lock.exists():
                _write_todo(copy, {**_read_todo(copy), run_id: spans})

    def release(self, copy: Copy, run_id: str, span: int | None = None) -> None:
        """A run needs a copy no more, or not for this span; if no run needs it, it goes, unless it is in use.

        A span that was planned elsewhere changes nothing: there may be more of them, and only their planner knows.
        """
        with self.closed():
            todo = _read_todo(copy)
            if span is not None and run_id not in todo:
                return
            if left := [index for index in todo.pop(run_id, []) if index != span and span is not None]:
                todo[run_id] = left
            _write_todo(copy, todo)
            if not todo:
                self._evict(copy)

    def clear(self, run_id: str) -> None:
        """Remove what is not in use, except what other runs have planned and not decoded yet."""
        with self.closed():
            for found in self._copies():
                if _read_todo(found.copy).keys() <= {run_id} or found.used_at < time.time() - ABANDONED_S:
                    self._evict(found.copy)

    def _make_room(self, copy: Copy, size_bytes: int, planned_too: bool) -> bool:
        others = [found for found in self._copies() if found.copy != copy]
        others.sort(key=lambda found: found.order)
        used_bytes = sum(found.size_bytes for found in others)
        for found in others:
            if self._fits(copy, size_bytes, used_bytes):
                break
            if (planned_too or not found.is_planned) and self._evict(found.copy):
                used_bytes -= found.size_bytes
        return self._fits(copy, size_bytes, used_bytes)

    def _fits(self, copy: Copy, size_bytes: int, used_bytes: int) -> bool:
        there_bytes = copy.part.stat().st_size if copy.part.exists() else 0
        free_bytes = shutil.disk_usage(self.path).free + there_bytes
        return used_bytes + size_bytes <= self.max_bytes and size_bytes + LEFT_ON_DISK_BYTES <= free_bytes

    def _full(self, name: str, size_bytes: int) -> VideoTooLarge:
        free = _gib(shutil.disk_usage(self.path).free)
        return VideoTooLarge(
            f"There is no room for {name} ({_gib(size_bytes)}) in {self.path}: of the {_gib(self.max_bytes)} of "
            f"sources.scratch_gib the most is in use, or its disk is full ({free} free). Raise sources.scratch_gib, or "
            "set sources.scratch to a folder of a larger disk."
        )

    def _copies(self) -> list["_Found"]:
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                key, suffix = os.path.splitext(entry.name)
                if suffix == ".lock" and key != "room":
                    try:
                        info = entry.stat()
                    except FileNotFoundError:
                        continue  # its downloader failed just now
                    found.append(_Found(Copy(self.path, key), info.st_size, info.st_mtime))
        return found

    def _evict(self, copy: Copy) -> bool:
        try:
            with locked(copy.lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                copy.remove()
        except BlockingIOError:
            return False
        return True


@dataclass(frozen=True)
class _Found:
    copy: Copy
    size_bytes: int
    used_at: float

    @property
    def is_planned(self) -> bool:
        return self.copy.todo.exists()

    @property
    def order(self) -> tuple[bool, bool, float]:
        return self.is_planned, self.copy.folder.is_dir(), self.used_at


def _read_todo(copy: Copy) -> dict[str, list[int]]:
    """Spans by run; only while the room is closed."""
    try:
        todo: dict[str, list[int]] = json.loads(copy.todo.read_bytes())
    except FileNotFoundError:
        return {}
    return todo


def _write_todo(copy: Copy, todo: dict[str, list[int]]) -> None:
    if todo:
        aside = copy.room / "room.todo"  # who is killed while writing leaves the old one whole
        aside.write_text(json.dumps(todo))
        aside.replace(copy.todo)
    else:
        copy.todo.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, how: int) -> Iterator[int]:
    """Holds the lock file, made if need be, and gives its descriptor.

    Raises:
        BlockingIOError: it is held by another, and `how` has LOCK_NB.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            if is_file_of(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def is_file_of(descriptor: int, path: Path) -> bool:
    """Whether a lock file is still there: who waits for a lock may get that of a file which was removed meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.3g} GiB"


def _own_folder(parent: Path) -> Path:
    path = parent / f"footage-sources-{os.getuid()}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        info = path.lstat()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be made for copies of remote videos: {error.strerror}. Set sources.scratch to a folder "
            "that can be written."
        ) from error
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
        raise SettingsError(
            f"{path} is not a folder that only this user can enter, so copies of videos would not be safe in it; remove"
            " it, or set sources.scratch to a folder of yours."
        )
    return path
