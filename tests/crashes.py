"""A process that is killed just before its nth write, whichever of store and index it goes to."""

from collections.abc import Iterable, Sequence
from typing import Any

from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_records import ScenePoint, VideoPoint


class Killed(Exception):
    """Nothing of footage catches this."""


class Fuse:
    """Burns down with each write; None never does."""

    def __init__(self, writes: int | None = None) -> None:
        self.left = writes
        self.burnt = 0

    def burn(self) -> None:
        if self.left is not None:
            if not self.left:
                raise Killed
            self.left -= 1
        self.burnt += 1


class FusedStore(DirectoryStore):
    """Killed between the removals of a delete_all as well."""

    fuse = Fuse()

    def put(self, key: str, data: bytes) -> None:
        self.fuse.burn()
        super().put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self.fuse.burn()
        return super().create(key, data)

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        self.fuse.burn()
        return super().swap(key, expected, data)

    def delete_all(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            self.fuse.burn()
            super().delete_all([key])


class FusedIndex:
    """An index that writes through another; reads go straight to it."""

    def __init__(self, index: EmbeddedIndex, fuse: Fuse) -> None:
        self._index = index
        self._fuse = fuse

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        self._fuse.burn()
        self._index.upsert(points)

    def publish(self, *which: Any) -> None:
        self._fuse.burn()
        self._index.publish(*which)

    def delete_video(self, workspace: str, video_id: str) -> None:
        self._fuse.burn()
        self._index.delete_video(workspace, video_id)

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        self._fuse.burn()
        self._index.put_descriptions(points)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)
