"""Gives every source as a local file: a file of this machine itself, of anything else a copy in bounded scratch."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from actors.scratch_room import Copy, ScratchRoom, is_file_of, locked
from actors.source_check import READ_BYTES, read_blocks, unchanged_source
from footage.errors import EmptySource, VideoError, VideoTooLarge
from footage.identity import uri_hash
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sources import is_remote, read_source, source_name

# How long who plans waits for decoders before it takes the room of what they have not decoded yet. That is fetched
# again then, so it is worth about as long as fetching a film; without an end, a run could stand still.
PLANNING_PATIENCE_S = 600.0
ROOM_STEP_BYTES = 64 << 20  # room is taken in such steps for what does not tell its length
LONGEST_NAME_BYTES = 200  # of a copy; file systems take 255
OnBlock = Callable[[bytes], object]


class SourceFiles:
    """Local paths of sources. A copy of a remote one is made once for all processes of the machine (see ScratchRoom).

    Args:
        access: how remote sources are reached, and the scratch for their copies.
        patience_s: how long to wait for room before copies go that were planned here and are not decoded yet: long for
            who plans, none for who decodes them.

    Raises:
        SettingsError: a setting of sources is wrong.
    """

    def __init__(self, access: RemoteAccess, patience_s: float = 0.0) -> None:
        self._access = access
        self._patience_s = patience_s
        self._made_room: ScratchRoom | None = None

    @property
    def _room(self) -> ScratchRoom:
        # Not before a remote source comes: most runs have none, and no need of the folder.
        if self._made_room is None:
            settings = self._access.sources
            parent = Path(settings.scratch).expanduser() if settings.scratch else None
            self._made_room = ScratchRoom(parent, int(settings.scratch_gib * 2**30))
        return self._made_room

    @contextmanager
    def open(
        self, uri: str, path_bytes: bytes, etag: str, size_bytes: int, on_block: OnBlock | None = None
    ) -> Iterator[Path]:
        """A file with the content that a source had when its etag was `etag`, good within the block.

        Args:
            uri: of the source.
            path_bytes: its path (os.fsencode) if it is a file of this machine, else empty.
            etag: see above.
            size_bytes: its size; 0 where a server does not tell it.
            on_block: gets all its bytes, in order, before the block begins. A remote source is read once for that and
                for the copy.

        Raises:
            SourceChanged: the source has another content by now.
            MissingSource, EmptySource: it cannot be read, or holds nothing.
            VideoTooLarge: there is no room for a copy.
            StoreUnavailable: its store does not answer: an outage.
        """
        if path_bytes:
            path = Path(os.fsdecode(path_bytes))
            with unchanged_source(path, etag):
                if on_block is not None:
                    for block in read_blocks(path):
                        on_block(block)
                yield path
            return
        with self._copy(Source(uri, etag, size_bytes), on_block) as path:
            yield path

    def planned(self, uri: str, etag: str, run_id: str, spans: list[int]) -> None:
        """Keep the copy for these spans of it: it goes when all are decoded, or when there is no room otherwise."""
        if is_remote(uri):
            self._room.plan(self._copy_of(uri, etag), run_id, spans)

    def decoded(self, uri: str, etag: str, run_id: str, span: int) -> None:
        """The run needs the copy no more for this span; with the last one that any run planned here, it goes."""
        if is_remote(uri):
            self._room.release(self._copy_of(uri, etag), run_id, span)

    def discard(self, uri: str, etag: str, run_id: str) -> None:
        """The run does not need the copy: it goes, unless another run does."""
        if is_remote(uri):
            self._room.release(self._copy_of(uri, etag), run_id)

    def clear_unused(self, run_id: str) -> None:
        """At the end of a run: remove the copies on this machine that nobody uses and no other run has planned."""
        self._room.clear(run_id)

    def _copy_of(self, uri: str, etag: str) -> Copy:
        return self._room.copy(uri_hash(f"{etag}\0{uri}"))

    @contextmanager
    def _copy(self, source: Source, on_block: OnBlock | None) -> Iterator[Path]:
        copy = self._copy_of(source.uri, source.etag)
        while True:
            with locked(copy.lock, fcntl.LOCK_SH) as lock:
                path, is_new = copy.whole(), False
                if path is None:
                    fcntl.flock(lock, fcntl.LOCK_EX)  # gives the other one back first: somebody may have been before us
                    if not is_file_of(lock, copy.lock):
                        continue
                    path = copy.whole()
                    if path is None:
                        path, is_new = self._fetched(copy, source, on_block), True
                    with self._room.closed():  # so that nobody removes the copy between the two locks
                        fcntl.flock(lock, fcntl.LOCK_SH)
                os.utime(copy.lock)
                if on_block is not None and not is_new:
                    for block in read_blocks(path):
                        on_block(block)
                yield path
                return

    def _fetched(self, copy: Copy, source: Source, on_block: OnBlock | None) -> Path:
        """Makes the copy, whose lock is held exclusively; goes on with what a killed process left of it."""
        name = source_name(source.uri)
        try:
            self._room.take(copy, source.size_bytes, self._patience_s, name)
            with copy.part.open("a+b") as file:
                self._fetch(copy, source, file, on_block)
        except VideoError:
            copy.remove()
            raise
        except OSError as error:
            copy.remove()
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise VideoTooLarge(
                f"The disk of {copy.room} is full, so {name} cannot be copied to it: make room, lower "
                "sources.scratch_gib, or set sources.scratch to a folder of a larger disk."
            ) from error
        copy.folder.mkdir(exist_ok=True)
        path = copy.folder / _file_name(name)
        copy.part.rename(path)
        return path

    def _fetch(self, copy: Copy, source: Source, file: BinaryIO, on_block: OnBlock | None) -> None:
        name = source_name(source.uri)
        room_bytes = source.size_bytes
        file.seek(0)
        while block := file.read(READ_BYTES):
            if on_block is not None:
                on_block(block)
        for block in read_source(source, self._access, start=file.tell()):
            if file.tell() + len(block) > room_bytes:
                room_bytes = file.tell() + len(block) + ROOM_STEP_BYTES
                self._room.take(copy, room_bytes, self._patience_s, name)
            file.write(block)
            if on_block is not None:
                on_block(block)
        if file.tell() == 0:
            raise EmptySource(f"{name} is empty (0 bytes). Copy it again.")
        os.truncate(copy.lock, file.tell())


def _file_name(name: str) -> str:
    """The last part of a URI as the name of a file: messages of the decoder show it. A key is never a path."""
    stem, suffix = os.path.splitext(os.fsencode(name.replace("/", "_").replace("\0", "_")))
    suffix = suffix[:LONGEST_NAME_BYTES]
    data = stem[: LONGEST_NAME_BYTES - len(suffix)] + suffix
    return "_" if data in (b"", b".", b"..") else os.fsdecode(data)
