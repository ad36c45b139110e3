"""A store and an index that count their requests and let something happen before one of them: another run, a kill."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from footage.index import VectorIndex
from footage.index_records import (
    IndexHit,
    ScanPage,
    SceneFilter,
    ScenePoint,
    StoredPoint,
    VectorQuery,
    VideoHit,
    VideoPoint,
)
from footage.records import Vector
from footage.storage import ObjectStore, StoredObject


class Killed(BaseException):
    """The process ends here; nothing of footage catches it."""


def kill() -> None:
    raise Killed


class Steps:
    """The requests of one run. Before number `at` (from 0), `meanwhile` happens, once."""

    def __init__(self, at: int | None = None, meanwhile: Callable[[], None] = kill) -> None:
        self.done: list[str] = []
        self._at = at
        self._meanwhile = meanwhile

    def next(self, what: str) -> None:
        self.done.append(what)
        if len(self.done) - 1 == self._at:
            self._meanwhile()


class SteppedStore:
    """An ObjectStore."""

    def __init__(self, store: ObjectStore, steps: Steps) -> None:
        self._store = store
        self._steps = steps

    @property
    def address(self) -> str:
        return self._store.address

    def get(self, key: str) -> bytes:
        self._steps.next(f"get {key}")
        return self._store.get(key)

    def put(self, key: str, data: bytes) -> None:
        self._steps.next(f"put {key}")
        self._store.put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._steps.next(f"create {key}")
        return self._store.create(key, data)

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        self._steps.next(f"swap {key}")
        return self._store.swap(key, expected, data)

    def delete(self, key: str) -> None:
        self._steps.next(f"delete {key}")
        self._store.delete(key)

    def delete_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def exists(self, key: str) -> bool:
        self._steps.next(f"exists {key}")
        return self._store.exists(key)

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        self._steps.next(f"list {prefix}")
        return self._store.list(prefix, after)

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        self._steps.next(f"entries {prefix}")
        return self._store.entries(prefix)

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        self._steps.next(f"folders {prefix}")
        return self._store.folders(prefix, after)

    def read_range(self, key: str, start: int, end: int) -> bytes:
        self._steps.next(f"read_range {key}")
        return self._store.read_range(key, start, end)

    def upload(self, key: str, path: Path) -> None:
        self._steps.next(f"upload {key}")
        self._store.upload(key, path)

    def url(self, key: str, lifetime_s: int | None = None) -> str | None:
        return self._store.url(key, lifetime_s)

    def probe(self) -> None:
        self._store.probe()


class SteppedIndex:
    """A VectorIndex."""

    def __init__(self, index: VectorIndex, steps: Steps) -> None:
        self._index = index
        self._steps = steps

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        self._steps.next("upsert")
        self._index.upsert(points)

    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        self._steps.next("publish")
        self._index.publish(workspace, video_id, generation, claim_generation)

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        return self._index.search(queries, where, limit)

    def delete_video(self, workspace: str, video_id: str) -> None:
        self._steps.next("delete_video")
        self._index.delete_video(workspace, video_id)

    def count(self, where: SceneFilter) -> int:
        self._steps.next("count")
        return self._index.count(where)

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        self._steps.next("points")
        return self._index.points(where)

    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        self._steps.next("scan")
        return self._index.scan(where, after, limit, with_vectors)

    def restore(self, points: Sequence[StoredPoint]) -> None:
        self._steps.next("restore")
        self._index.restore(points)

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        self._steps.next("put_descriptions")
        self._index.put_descriptions(points)

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        return self._index.search_videos(vector, workspace, video_ids, limit)

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        return self._index.descriptions(workspace)

    def bind(self, store_id: str, dry_run: bool = False) -> None:
        self._index.bind(store_id, dry_run)

    def close(self) -> None:
        self._index.close()
