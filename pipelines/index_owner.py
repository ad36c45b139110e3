"""The one process that has the embedded index open, and a VectorIndex that asks it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footage.embedded_index import EmbeddedIndex
from footage.errors import StoreError
from footage.index_records import (
    IndexHit,
    IndexSpec,
    ScanPage,
    SceneFilter,
    ScenePoint,
    StoredPoint,
    VectorQuery,
    VideoHit,
    VideoPoint,
)
from footage.index_service import IndexService
from footage.records import Vector

# After a kill the lock is free as soon as the kernel has taken the process down.
_LOCK_WAIT_S = 30.0
_ANSWER_WITHIN_S = 300.0  # a span's points take well under a second, publishing a long video a few
_TRIES = 3


class IndexOwner:
    """Kept by one Ray actor. Killed, it is started again and loads the index, whose log has all that it confirmed."""

    def __init__(self, path: Path, spec: IndexSpec, owner: str) -> None:
        self._index = EmbeddedIndex(path, spec, owner=owner, wait_s=_LOCK_WAIT_S)
        self._service = IndexService(self._index, path)  # `footage search` works during a run

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """See VectorIndex.upsert."""
        self._index.upsert(points)

    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        """See VectorIndex.publish."""
        self._index.publish(workspace, video_id, generation, claim_generation)

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search."""
        return self._index.search(queries, where, limit)

    def delete_video(self, workspace: str, video_id: str) -> None:
        """See VectorIndex.delete_video."""
        self._index.delete_video(workspace, video_id)

    def count(self, where: SceneFilter) -> int:
        """See VectorIndex.count."""
        return self._index.count(where)

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex.points."""
        return self._index.points(where)

    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        """See VectorIndex.scan."""
        return self._index.scan(where, after, limit, with_vectors)

    def restore(self, points: Sequence[StoredPoint]) -> None:
        """See VectorIndex.restore."""
        self._index.restore(points)

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """See VectorIndex.put_descriptions."""
        self._index.put_descriptions(points)

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos."""
        return self._index.search_videos(vector, workspace, video_ids, limit)

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """See VectorIndex.descriptions."""
        return self._index.descriptions(workspace)

    def bind(self, store_id: str, dry_run: bool = False) -> None:
        """See VectorIndex.bind."""
        self._index.bind(store_id, dry_run)

    def close(self) -> None:
        """Flush, close and give the lock back."""
        self._service.close()
        self._index.close()


class RemoteIndex:
    """A VectorIndex whose calls go to the IndexOwner actor; it can be sent to any worker."""

    def __init__(self, path: Path, spec: IndexSpec, owner: str) -> None:
        import ray  # after ray_session() has set the environment that Ray reads when it is imported
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Upserts repeat safely (ids name what they stand for), so a call that a kill cut off is made again.
        remote = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=5)(IndexOwner).options(
            # The index is a folder of this machine.
            scheduling_strategy=NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        )
        self._actor = remote.remote(path, spec, owner)

    def _call(self, method: str, *arguments: Any) -> Any:
        import ray
        from ray.exceptions import GetTimeoutError

        for _ in range(_TRIES):
            try:
                return ray.get(getattr(self._actor, method).remote(*arguments), timeout=_ANSWER_WITHIN_S)
            except GetTimeoutError:
                ray.kill(self._actor, no_restart=False)  # it hangs; the next call waits for its successor
        raise StoreError(f"The owner of the index did not answer within {_ANSWER_WITHIN_S:.0f} s, {_TRIES} times.")

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """See VectorIndex.upsert."""
        self._call("upsert", points)

    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        """See VectorIndex.publish."""
        self._call("publish", workspace, video_id, generation, claim_generation)

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search."""
        hits: list[list[IndexHit]] = self._call("search", queries, where, limit)
        return hits

    def delete_video(self, workspace: str, video_id: str) -> None:
        """See VectorIndex.delete_video."""
        self._call("delete_video", workspace, video_id)

    def count(self, where: SceneFilter) -> int:
        """See VectorIndex.count."""
        count: int = self._call("count", where)
        return count

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex.points."""
        points: list[ScenePoint] = self._call("points", where)
        return points

    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        """See VectorIndex.scan."""
        page: ScanPage = self._call("scan", where, after, limit, with_vectors)
        return page

    def restore(self, points: Sequence[StoredPoint]) -> None:
        """See VectorIndex.restore."""
        self._call("restore", points)

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """See VectorIndex.put_descriptions."""
        self._call("put_descriptions", points)

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos."""
        hits: list[VideoHit] = self._call("search_videos", vector, workspace, video_ids, limit)
        return hits

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """See VectorIndex.descriptions."""
        points: list[VideoPoint] = self._call("descriptions", workspace)
        return points

    def bind(self, store_id: str, dry_run: bool = False) -> None:
        """See VectorIndex.bind."""
        self._call("bind", store_id, dry_run)

    def close(self) -> None:
        """See VectorIndex.close."""
        self._call("close")
