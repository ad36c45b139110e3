"""The videos of an embedded index by their descriptions: one point per described video, a shard of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from footage.embedded_shard import KEYWORD, PAGE_POINTS, equals, make_shard, place_shard, read_through
from footage.index_payload import (
    DESCRIPTION,
    check_vector,
    in_batches,
    video_payload,
    video_point,
    videos_in_order,
)
from footage.index_records import VideoHit, VideoPoint
from footage.records import Vector


class EmbeddedVideos:
    """Opened and closed by EmbeddedIndex, which holds the lock of both folders. See VectorIndex for the methods."""

    def __init__(self, path: Path, dimensions: int) -> None:
        """Open the shard at `path`, whose vectors have so many dimensions."""
        self._shard = edge.EdgeShard.load(str(path))
        self._dimensions = dimensions

    @staticmethod
    def create(path: Path, dimensions: int) -> None:
        """Make an empty shard at `path`."""
        params = edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)
        config = edge.EdgeConfig(vectors={DESCRIPTION: params}, wal_enabled=True)
        place_shard(make_shard(path, config, {"video_id": KEYWORD}), path)

    def put(self, points: Sequence[VideoPoint]) -> None:
        """Write points over those of the same videos."""
        for point in points:
            check_vector(f"The description vector of video {point.video_id}", point.vector, self._dimensions)
        for batch in in_batches(points, PAGE_POINTS):
            # The id of a video names its workspace too: see identity.video_id.
            written = [
                edge.Point(point.video_id, {DESCRIPTION: point.vector.tolist()}, video_payload(point))
                for point in batch
            ]
            self._shard.update(edge.UpdateOperation.upsert_points(written))
        if points:
            self._shard.flush()  # its log is not synced, and the manifest, which follows, is

    def search(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """The nearest descriptions, best first; equal ones by id."""
        must: list[Any] = [equals("workspace", workspace)]
        if video_ids:
            must.append(edge.FieldCondition(key="video_id", match=edge.MatchAny(list(video_ids))))
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(vector.tolist(), using=DESCRIPTION),
            filter=edge.Filter(must=must),
            with_payload=True,
        )
        answer = self._shard.query(request)
        return videos_in_order(VideoHit((scored.payload or {})["video_id"], scored.score) for scored in answer)

    def all(self, workspace: str) -> list[VideoPoint]:
        """All points of a workspace, by video id."""
        where = edge.Filter(must=[equals("workspace", workspace)])
        found = [video_point(record) for record in read_through(self._shard, where)]
        return sorted(found, key=lambda point: point.video_id)

    def delete(self, workspace: str, video_id: str) -> None:
        """Remove the point of a video; durable on return."""
        where = edge.Filter(must=[equals("workspace", workspace), equals("video_id", video_id)])
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(where))
        self._shard.flush()

    def close(self) -> None:
        """Make everything durable."""
        self._shard.flush()
        self._shard.close()
