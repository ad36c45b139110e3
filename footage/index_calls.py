"""A VectorIndex whose calls go elsewhere, each as a method's name and arguments: to an owner, to an actor."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

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

METHODS: Final = frozenset(
    {
        "upsert",
        "publish",
        "search",
        "delete_video",
        "count",
        "points",
        "scan",
        "restore",
        "put_descriptions",
        "search_videos",
        "descriptions",
        "bind",
    }
)
"""What can be called: VectorIndex but for close(), which concerns the caller alone. Each may be called again where
nobody knows whether it was done."""


class IndexCalls(ABC):
    """All of VectorIndex but close(), by one method."""

    @abstractmethod
    def call(self, method: str, *arguments: Any) -> Any:
        """Call one of METHODS with positional arguments; gives what it gives, and raises what it raises."""

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """See VectorIndex.upsert."""
        self.call("upsert", list(points))

    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        """See VectorIndex.publish."""
        self.call("publish", workspace, video_id, generation, claim_generation)

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search."""
        lists = self.call("search", list(queries), where, limit)
        return [[IndexHit(*hit) for hit in hits] for hits in lists]  # on the way they may have become plain lists

    def delete_video(self, workspace: str, video_id: str) -> None:
        """See VectorIndex.delete_video."""
        self.call("delete_video", workspace, video_id)

    def count(self, where: SceneFilter) -> int:
        """See VectorIndex.count."""
        count: int = self.call("count", where)
        return count

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex.points."""
        points: list[ScenePoint] = self.call("points", where)
        return points

    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        """See VectorIndex.scan."""
        page: ScanPage = self.call("scan", where, after, limit, with_vectors)
        return page

    def restore(self, points: Sequence[StoredPoint]) -> None:
        """See VectorIndex.restore."""
        self.call("restore", list(points))

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """See VectorIndex.put_descriptions."""
        self.call("put_descriptions", list(points))

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos."""
        hits: list[VideoHit] = self.call("search_videos", vector, workspace, video_ids, limit)
        return hits

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """See VectorIndex.descriptions."""
        points: list[VideoPoint] = self.call("descriptions", workspace)
        return points

    def bind(self, store_id: str, dry_run: bool = False) -> None:
        """See VectorIndex.bind."""
        self.call("bind", store_id, dry_run)
